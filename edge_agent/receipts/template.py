"""One receipt template as data: what a ``[[receipt_template]]`` table or a ``templates/*.toml`` file may say.

Regular expressions are RE2's (linear time: they come from configuration) and are searched in the NFKC form of a row.
"""

from datetime import datetime
from typing import Annotated, Literal

import re2
from pydantic import AfterValidator, Field

from edge_agent.fields import Ident, Settings

Kind = Literal[
    "sale",
    "return",
    "void",
    "prebill",
    "reprint",
    "kitchen",
    "merchant_copy",
    "shift_report",
    "top_up",
    "delivery_slip",
    "cash_in_out",
]
TenderType = Literal[
    "cash",
    "bank_card",
    "unionpay_qr",
    "wechat_pay",
    "alipay",
    "ecny",
    "stored_value",
    "member_points",
    "coupon",
    "group_voucher",
    "gift_card",
    "credit_account",
    "cod",
    "other",
]
Field_ = Literal[
    "number",
    "printed_at",
    "workstation",
    "cashier",
    "member",
    "table",
    "pickup_code",
    "original_number",
    "payable",
]
# What the row after the goods may be, beside a tender; ``none``: it is understood and means no money.
MoneyRole = Literal[
    "due",
    "total",
    "subtotal",
    "gross",
    "net",
    "received",
    "change",
    "discount",
    "fee",
    "rounding",
    "tax",
    "tip",
    "none",
]
Column = Literal["code", "name", "unit", "quantity", "unit_price", "discount", "amount", "skip"]
Language = Literal["zh", "en", "ja", "ko"]
Check = Literal["lines", "tenders"]
CheckResult = Literal["pass", "fail", "unknown"]


_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 would write to stderr what the ValueError says


def _linear(pattern: str) -> str:
    try:
        re2.compile(pattern, _QUIET)
    except re2.error as error:
        raise ValueError(f"not an RE2 regular expression: {error} (no look-around, no back-references)") from error
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_linear)]


class LineSettings(Settings):
    """Where the goods rows are and what else stands among them. What is left out is found by itself.

    ``start``: the row before the first goods row; ``end``: the first row after the last one; ``item``: one goods row,
    by the named groups ``name`` ``quantity`` ``unit_price`` ``amount`` ``code`` ``unit`` (``amount`` is needed);
    ``adjust`` (beside ``item``): a discount or surcharge row, by the named groups ``name`` ``amount``; ``continuation``
    (beside ``item``): a row that goes on with the name above; ``skip``: a row that means nothing.
    """

    start: Pattern | None = None
    end: Pattern | None = None
    item: Pattern | None = None
    adjust: Pattern | None = None
    continuation: Pattern | None = None
    skip: Pattern | None = None


class SampleTender(Settings):
    """A tender a sample must give."""

    type: TenderType
    amount: int


class SampleOrder(Settings):
    """What a sample must be read as; only the keys that are given are compared. Money is minor units."""

    kind: Kind | None = None
    number: str | None = None
    printed_at: datetime | None = None
    workstation: str | None = None
    cashier: str | None = None
    member: str | None = None
    table: str | None = None
    pickup_code: str | None = None
    original_number: str | None = None
    channel: str | None = None
    payable: int | None = None
    change: int | None = None
    discount: int | None = None
    rounding: int | None = None
    tax_added: int | None = None
    tip: int | None = None
    tenders: tuple[SampleTender, ...] | None = None
    names: tuple[str, ...] | None = None
    amounts: tuple[int, ...] | None = None
    lines: CheckResult | None = None
    tenders_check: CheckResult | None = None


class Sample(Settings):
    """A receipt as printed and the order it must become; run whenever the template is loaded."""

    text: str = Field(min_length=1, max_length=20_000)
    order: SampleOrder
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")


class TemplateSettings(Settings):
    """One template: the shipped words of some languages, and what this layout says differently.

    ``words``: shipped word tables to understand labels by, most important first. ``match``: the template claims a slip
    only if one of these is found in a row of it (none given: any slip). ``priority``: higher ones are tried first.
    ``columns``: the order of a goods row's columns, if it has no heading that says so. ``fields``: how to find a field,
    the value in the first group; it wins over the words. ``tenders``: pattern of a printed label → tender type, tried
    before the shipped ones. ``money``: the same for what is no tender: label → what its amount is. ``kind``: patterns
    of rows that make a slip that kind. ``received``: what 实收 and its like mean: money handed over (``tendered``),
    money kept (``net``), or whatever the sums say. ``dates``: order of day and month where figures alone do not tell.
    ``checks``: sums that must not fail, else the template passes the slip on to the next one.
    """

    name: Ident
    version: int = Field(default=1, ge=1)
    words: tuple[Language, ...] = Field(default=("zh", "en"), min_length=1)
    match: tuple[Pattern, ...] = ()
    priority: int = Field(default=0, ge=-100, le=100)
    columns: tuple[Column, ...] = ()
    fields: dict[Field_, Pattern] = Field(default_factory=dict)
    lines: LineSettings = LineSettings()
    tenders: dict[Pattern, TenderType] = Field(default_factory=dict)
    money: dict[Pattern, MoneyRole] = Field(default_factory=dict)
    kind: dict[Kind, tuple[Pattern, ...]] = Field(default_factory=dict)
    received: Literal["sums", "tendered", "net"] = "sums"
    dates: Literal["currency", "ymd", "dmy", "mdy"] = "currency"
    checks: tuple[Check, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def label(self) -> str:
        """Name and version, as orders carry it: ``zh-retail@1``."""
        return f"{self.name}@{self.version}"
