"""A day's orders as a table: what a manager opens in a spreadsheet adds up to what the day proof says."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.page.actions.orders_csv import COLUMNS, orders_csv
from edge_agent.shop.outcome import Outcome
from tests.support import golden
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.slips import receipt, sale
from tests.support.storage import until

RETURN = sale(number="20261122000140").replace("惠民便利店", "惠民便利店\n*** 退货单 ***")
VOID = sale(number="20261122000138").replace("惠民便利店", "惠民便利店\n*** 作废单 ***")
HEADERS = {
    "zh": (
        "时间,收银台,收银机号,小票号,类型,渠道,商品,应付金额,币种,支付方式,收银员,会员,"
        "更正过,总部已确认,备注,订单编号"
    ),
    "en": (
        "Time,Till,Register,Receipt number,Kind,Channel,Items,Payable,Currency,Paid by,Cashier,Member,Corrected,"
        "Confirmed by head office,Note,Order id"
    ),
}  # fmt: skip


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


def today(page: Page) -> str:
    return page.shop.generation.shop.counts(page.shop.clock.now()).business_day


async def exported(page: Page, day: str = "", language: str = "zh") -> list[dict[str, str]]:
    """Return the table's rows by column, having checked its form."""
    body = b"".join([piece async for piece in orders_csv(page.sources, day or today(page), language)])
    assert body.startswith(b"\xef\xbb\xbf")
    text = body[3:].decode("utf-8")
    assert text.count("\n") == text.count("\r\n"), "RFC 4180: lines end with CR LF"
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert ",".join(header) == HEADERS[language]
    assert {len(row) for row in rows} <= {len(COLUMNS)}
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


async def put(page: Page, order: data.Order, type_: str = "o2o.order.completed.v1") -> None:
    """Record an order as the shop's rules do: its event, and what the books say of it, in one transaction."""
    at = page.shop.clock.now()
    event = Draft(
        id=uuid7(at.wall_ms), stream=Stream.ORDERS, type=type_, at=at, data=order, device="till-1-printer",
        subject=f"order/{order.order_id}", partitionkey="sh-0001/till-1",
    )  # fmt: skip
    await page.shop.storage.commit(Outcome((event,), page.shop.generation.shop.proof.noted(order, at)))


def order(page: Page, payable: int | None = 1600, kind: str = "sale", **changes: object) -> data.Order:
    """Return an order of today, made now."""
    return msgspec.structs.replace(
        golden.order(kind),
        **{
            "order_id": uuid7(page.shop.clock.now().wall_ms),
            "business_day": page.shop.generation.shop._slips.business_day(page.shop.clock.now()),
            "totals": data.Totals(payable=payable),
            "tenders": (data.Tender(number=1, type="cash", label="现金", amount=payable or 0),),
            **changes,
        },
    )


def total(rows: list[dict[str, str]]) -> int:
    """Return what a spreadsheet makes of the column, in minor units."""
    return int(sum(Decimal(row["payable"] or 0) for row in rows) * 100)


async def test_it_adds_up_to_the_day_proof(page: Page) -> None:
    for number in (137, 138, 139):
        await page.record(receipt(sale(number=f"20261122000{number}")))
    await page.record(receipt(sale(number="20261122000139")))  # the same paper again
    await page.record(receipt(VOID))
    await page.record(receipt(RETURN))
    await put(page, order(page, 10_000, "top_up"))
    platform = order(page, 2350, "delivery_slip", channel=data.Channel(id="meituan", owner="meituan"))
    await put(page, platform)
    await put(page, order(page, None))
    first = order(page, 900)
    await put(page, first)
    await put(
        page,
        msgspec.structs.replace(first, revision=2, totals=data.Totals(payable=950)),
        "o2o.order.corrected.v1",
    )
    rows = await exported(page)
    standing = page.shop.generation.shop.proof.standing(today(page))
    assert total(rows) == standing.payable == 3 * 1600 - 2 * 1600 + 10_000 + 2350 + 950
    assert [row["kind"] for row in rows] == ["销售", "销售", "销售", "作废", "退货", "储值", "外卖", "销售", "销售"]
    assert [row["payable"] for row in rows] == [
        "16.00", "16.00", "16.00", "-16.00", "-16.00", "100.00", "23.50", "", "9.50",
    ]  # fmt: skip
    assert [row["corrected"] for row in rows] == ["否"] * 8 + ["是"]


async def test_what_a_row_says(page: Page) -> None:
    member = order(page, member="m-1024", currency="CNY", evidence=replaced_flags("suspected_duplicate"))
    await page.record(receipt(sale()))
    await put(page, member)
    page.shop.storage.acknowledge(Stream.ORDERS, 1)
    first, second = await exported(page)
    assert first == first | {
        "till": "1号收银台", "workstation": "03", "number": "20261122000137", "kind": "销售", "channel": "门店",
        "items": "农夫山泉550ml ×2 | 康师傅红烧牛肉面 ×1 | 散装苹果 ×0.856", "payable": "16.00", "currency": "CNY",
        "tenders": "现金 20.00 | 找零 -4.00", "cashier": "王芳", "member": "否", "confirmed": "是", "note": "",
    }  # fmt: skip
    assert (second["member"], second["confirmed"], second["note"]) == ("是", "否", "可能重复")
    assert "m-1024" not in "".join(second.values())
    (row, _) = await exported(page, language="en")
    assert (row["kind"], row["tenders"], row["confirmed"]) == ("sale", "cash 20.00 | change -4.00", "yes")


def replaced_flags(*flags: str) -> data.Evidence:
    return msgspec.structs.replace(golden.EVIDENCE, flags=flags)


PRINTED = {
    '=HYPERLINK("http://evil")': "'=HYPERLINK(\"http://evil\")", "+1": "'+1", "-2": "'-2", "@x": "'@x",
    "\t=1": "'\t=1", "  =1": "'  =1", "＝1": "'＝1", 'a,"b"\r\nc': 'a,"b"\r\nc', "王芳": "王芳",
    "2026112200013712": "2026112200013712\t", "202611220001371": "202611220001371",
}  # fmt: skip


async def test_nothing_printed_becomes_a_formula(page: Page) -> None:
    for printed in PRINTED:
        attribution = data.Attribution(store="s", touchpoint=None, workstation=printed, cashier=printed)
        what = order(
            page, 100, "return", order_no=printed, attribution=attribution, channel=data.Channel(id=printed, owner="x"),
            lines=(data.Line(number=1, name=printed, amount=1),),
            tenders=(data.Tender(number=1, type="barter", label=printed, amount=1),),
        )  # fmt: skip
        await put(page, what)
    for row, cell in zip(await exported(page), PRINTED.values(), strict=True):
        for column in ("workstation", "number", "channel", "items", "cashier"):
            assert row[column] == cell
        assert row["tenders"].startswith(cell.removesuffix("\t"))
        assert row["payable"] == "-1.00", "an amount stays a number"


async def test_an_order_that_storage_lost_is_there_with_its_amount(page: Page) -> None:
    for number in (137, 138, 139):
        await page.record(receipt(sale(number=f"20261122000{number}")))
    await page.shop.storage._thread.run(
        lambda c: c.execute("UPDATE frame SET body = zeroblob(length(body)) WHERE id & 0xFFFF = 2 AND id >> 48 = 1")
    )
    rows = await exported(page, language="en")
    assert total(rows) == page.shop.generation.shop.proof.standing(today(page)).payable == 4800
    assert [row["number"][-3:] for row in rows] == ["137", "139", "138"]
    assert rows[2] == rows[0] | {
        "time": rows[2]["time"], "number": "20261122000138", "channel": "", "items": "", "tenders": "cash 16.00",
        "cashier": "", "member": "", "confirmed": "", "order_id": rows[2]["order_id"],
        "note": "details are no longer on this box, only the amounts",
    }  # fmt: skip


async def test_a_day_without_orders_is_refused_at_once(page: Page) -> None:
    for day in (today(page), "2001-01-01", "nonsense"):
        with pytest.raises(KeyError):
            orders_csv(page.sources, day, "zh")


async def test_another_days_orders_are_not_in_it(page: Page) -> None:
    await put(page, order(page, 100))
    await put(page, order(page, 200, business_day="2026-01-02", order_id=uuid7(page.shop.clock.now().wall_ms)))
    assert [row["payable"] for row in await exported(page)] == ["1.00"]


async def test_recorded_while_the_clock_was_behind_is_found(page: Page) -> None:
    ahead = page.shop.clock.now().wall_ms + 3_600_000
    await put(page, order(page, 100, order_id=uuid7(ahead)))
    (row,) = await exported(page)
    assert (row["payable"], row["note"]) == ("1.00", "")


async def test_a_correction_while_it_is_written_changes_nothing_in_it(page: Page) -> None:
    orders = [order(page, 100) for _ in range(80)]
    for one in orders:
        await put(page, one)
    pieces = orders_csv(page.sources, today(page), "zh")
    written = [await anext(pieces), await anext(pieces)]
    last = msgspec.structs.replace(orders[-1], revision=2, totals=data.Totals(payable=777))
    await put(page, last, "o2o.order.corrected.v1")
    written += [piece async for piece in pieces]
    rows = list(csv.reader(io.StringIO(b"".join(written)[3:].decode(), newline="")))[1:]
    assert len(rows) == 80
    assert {row[COLUMNS.index("payable")] for row in rows} == {"1.00"}


async def test_a_new_epoch_while_it_is_written_loses_and_doubles_nothing(page: Page) -> None:
    for _ in range(80):
        await put(page, order(page, 100))
    await page.shop.storage.about_to_send()
    page.shop.storage.acknowledge(Stream.ORDERS, 40)
    pieces = orders_csv(page.sources, today(page), "zh")
    written = [await anext(pieces), await anext(pieces)]
    await page.shop.storage.begin_epoch("rolled_back")
    written += [piece async for piece in pieces]
    rows = list(csv.reader(io.StringIO(b"".join(written)[3:].decode(), newline="")))[1:]
    assert len(rows) == len({row[-1] for row in rows}) == 80


async def test_the_tills_go_on_meanwhile(page: Page) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(1_000):
            group.create_task(put(page, order(page, 100)))
    turns = 0

    async def till() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with asyncio.TaskGroup() as group:
        working = group.create_task(till())
        await until(lambda: turns > 0)
        turns = 0
        rows = await exported(page)
        working.cancel()
    assert len(rows) == 1_000
    assert turns >= 1_000 / 25
