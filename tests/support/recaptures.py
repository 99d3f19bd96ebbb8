"""A vendor's layout that no shipped template reads, the template that does, and a shop that reads captures again."""

from dataclasses import replace
from functools import cache

from edge_agent import decoders, receipts
from edge_agent.clock import Moment
from edge_agent.contract.events import Draft
from edge_agent.observations import Receipt
from edge_agent.receipts.template import TemplateSettings
from edge_agent.shop.outcome import Capture
from edge_agent.shop.rereading import Again, parsed
from edge_agent.shop.settings import ShopSettings
from tests.support.slips import Book, at, settings, templates

CUT = b"\x1dV\x42\x00"

# What a ``[[receipt_template]]`` says of the layout below.
TEMPLATE_TOML = """
[[receipt_template]]
name = "huimin"
words = ["zh"]
match = ["凭据"]
priority = 10
fields = { number = '凭据\\s+(\\d+)' }
tenders = { "递来" = "cash" }
money = { "请付" = "due", "退回" = "change" }
"""


def vendor(number: int, printed: str = "2026-11-22 10:31:05", extra: str = "") -> str:
    """Return a sale of 8.50 in the vendor's own words."""
    return f"""\
        惠民便利店
凭据 20261122{number:06d}
{printed}
--------------------------------
农夫山泉550ml    2  2.00    4.00
康师傅红烧牛肉面 1  4.50    4.50
--------------------------------
请付                       8.50
递来                      10.00
退回                       1.50
{extra}"""


def printed(text: str) -> bytes:
    """Return a slip as a printer gets it, cut at its end."""
    return b"\x1b@\x1c&" + text.replace("\n", "\r\n").encode("gb18030") + CUT


def decoded(raw: bytes) -> Receipt:
    """Return the one slip in these bytes."""
    decoder = decoders.create("escpos", decoders.settings_model("escpos")())
    (slip,) = (said for said in (*decoder.feed(raw), *decoder.idle()) if isinstance(said, Receipt))
    return slip


@cache
def taught() -> ShopSettings:
    """Return the facts of a shop that knows the vendor's layout."""
    own = TemplateSettings.model_validate(
        {
            "name": "huimin",
            "words": ["zh"],
            "match": ["凭据"],
            "priority": 10,
            "fields": {"number": r"凭据\s+(\d+)"},
            "tenders": {"递来": "cash"},
            "money": {"请付": "due", "退回": "change"},
        }
    )
    return read_with((receipts.compile(own), *templates()), "taught")


def read_with(own: tuple[receipts.Template, ...], name: str) -> ShopSettings:
    """Return the facts of a shop whose printer is read with these templates."""
    known = settings()
    devices = {id_: replace(facts, templates=own, read_by=name) for id_, facts in known.devices.items()}
    return replace(known, devices=devices)


def read_again(book: Book, capture: Capture, moment: Moment | None = None) -> tuple[Again, list[Draft]]:
    """Read a capture by what the book's shop knows now; returns what it says, and the events, recorded."""
    about = parsed(capture.about)
    assert about is not None
    again = book.shop.read_again(about, decoded(capture.body), moment or at("2026-11-25T09:00:00"))
    return again, book.keep(again.outcome)
