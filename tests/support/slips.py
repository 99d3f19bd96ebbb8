"""Slips as tills print them, and a shop that reads them: its durable state in a dict, as the storage would keep it."""

from dataclasses import replace
from datetime import datetime, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from edge_agent import receipts
from edge_agent.clock import Moment, TimeQuality
from edge_agent.contract import schemas
from edge_agent.contract.events import EVENT_TYPES, Draft
from edge_agent.observations import Observation, Receipt
from edge_agent.shop.outcome import Capture, Outcome
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.shop import Shop

ZONE = ZoneInfo("Asia/Shanghai")
TILL = "till-1-printer"
BUILT_MS = round(datetime(2026, 1, 1, tzinfo=ZONE).timestamp() * 1000)


@cache
def templates() -> tuple[receipts.Template, ...]:
    """Return the shipped templates, compiled once."""
    return tuple(receipts.compile(settings) for settings in receipts.shipped().values())


@cache
def settings() -> ShopSettings:
    """Return the facts of a shop with one printer."""
    facts = DeviceFacts(TILL, "till-1", "escpos", templates())
    return ShopSettings("acme", "sh-0001", ZONE, "CNY", time(4), BUILT_MS, {TILL: facts})


def at(local: str = "2026-11-22T10:31:07") -> Moment:
    """Return a moment by the shop's wall clock."""
    wall_ms = round(datetime.fromisoformat(local).replace(tzinfo=ZONE).timestamp() * 1000)
    return Moment(wall_ms, 86_400_123, "6f2f1c1e-0000-4000-8000-000000000001", TimeQuality.SYNCED)


def receipt(text: str, **changes: Any) -> Receipt:
    """Return a slip with these rows; its raw bytes are the rows as a printer would get them."""
    lines = tuple(line.rstrip() for line in text.strip("\n").split("\n"))
    return replace(Receipt(lines, "\n".join(lines).encode("gb18030", "replace")), **changes)


def sale(number: str | None = "20261122000137", printed: str | None = "2026-11-22 10:31:05", extra: str = "") -> str:
    """Return a sale of 16.00 paid with 20.00, its sums right."""
    head = "\n".join(
        [
            f"单号: {number}   收银机: 03" if number else "收银机: 03",
            f"{printed}  收银员: 王芳" if printed else "收银员: 王芳",
        ]
    )
    return f"""\
        惠民便利店
{head}
--------------------------------
品名          数量  单价    金额
农夫山泉550ml    2  2.00    4.00
康师傅红烧牛肉面 1  4.50    4.50
散装苹果     0.856  9.98    8.54
会员折扣                   -1.04
--------------------------------
合  计                     16.00
现金                       20.00
找零                        4.00
{extra}"""


class Book:
    """A shop and what became of its outcomes; ``restart`` gives it a new life with the state that was kept."""

    def __init__(self, shop_settings: ShopSettings | None = None, key: bytes = b"key") -> None:
        self.rows: dict[str, dict[str, bytes]] = {}
        self.events: list[Draft] = []
        self.captures: list[Capture] = []
        self._settings = shop_settings or settings()
        self._key = key
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not durable."""
        self.shop = Shop(self._settings, self._key, self.state)

    def state(self, part: str) -> dict[str, bytes]:
        """Return the durable rows of a part."""
        return dict(self.rows.get(part, {}))

    def observe(self, observation: Observation, moment: Moment | None = None, device: str = TILL) -> list[Draft]:
        """Have the shop observe something and keep what it says; returns its events, validated."""
        return self.keep(self.shop.observe(device, observation, moment or at()))

    def keep(self, outcome: Outcome) -> list[Draft]:
        """Record an outcome as the storage would."""
        for change in outcome.state:
            rows = self.rows.setdefault(change.part, {})
            rows.pop(change.key, None)
            if change.value is not None:
                rows[change.key] = change.value
        for draft in outcome.events:
            validate(draft)
        self.events += outcome.events
        self.captures += outcome.captures
        return list(outcome.events)

    def one(self, observation: Observation, moment: Moment | None = None) -> tuple[str, dict[str, Any]]:
        """Return type and data of the one event an observation makes."""
        (draft,) = self.observe(observation, moment)
        return draft.type, plain(draft)


def plain(draft: Draft) -> dict[str, Any]:
    """Return an event's data as a consumer decodes it."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(draft.data))
    return decoded


def validate(draft: Draft) -> None:
    """Validate an event's data against its published schema, and its place in the catalogue."""
    row = EVENT_TYPES[draft.type]
    assert row.stream in (None, draft.stream)
    _validator(row.schema).validate(plain(draft))


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schemas.event_schemas()[name])
