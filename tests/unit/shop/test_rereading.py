from dataclasses import replace
from typing import Any

import msgspec
import pytest

from edge_agent import decoders
from edge_agent.contract import data
from edge_agent.observations import Record
from edge_agent.shop.outcome import Capture, Outcome
from edge_agent.shop.rereading import Again, moved, parsed, without_member
from edge_agent.shop.settings import DeviceFacts
from tests.support.recaptures import decoded, printed, read_again, read_with, taught, vendor
from tests.support.slips import BUILT_MS, Book, at, plain, sale, settings, templates


def known(number: int = 137) -> str:
    """Return a sale that every shop reads, but for its number."""
    return sale(number=None, extra=f"凭据 20261122{number:06d}")


def sold(text: str, book: Book | None = None, local: str = "2026-11-22T10:31:07") -> tuple[Book, dict[str, Any]]:
    """Print a slip in a shop; returns the shop and the data of its event."""
    book = book or Book()
    (draft,) = book.observe(decoded(printed(text)), at(local))
    return book, plain(draft)


def learnt(book: Book) -> Book:
    """Return the same shop once it has been taught the vendor's layout."""
    again = Book(taught())
    again.rows, again.captures = book.rows, book.captures
    again.restart()
    return again


def with_about(capture: Capture, about: bytes | None) -> Capture:
    assert about is not None
    return replace(capture, about=about)


def test_a_corrected_order_keeps_its_id_its_time_and_everything_it_had() -> None:
    book, sent = sold(known())
    assert (sent["order_no"], sent["checks"]["lines"]) == (None, "pass")
    book = learnt(book)
    again, (draft,) = read_again(book, book.captures[0])
    assert (again.verdict, draft.type) == ("corrected", "o2o.order.corrected.v1")
    now = plain(draft)
    assert now["order_no"] == now["source"]["order_no"] == "20261122000137"
    assert now["evidence"]["template"] == "huimin@1"
    changed = {name for name in now if now[name] != sent[name]}
    assert changed == {"order_no", "source", "revision", "evidence"}
    assert (now["revision"], draft.subject) == (2, f"order/{sent['order_id']}")
    assert book.shop.counts(at()).orders == 1, "an order that is corrected is no second one"


def test_a_correction_is_sent_once_and_the_next_one_counts_on() -> None:
    book, _ = sold(known())
    book = learnt(book)
    again, _ = read_again(book, book.captures[0])
    later = with_about(book.captures[0], again.about)
    again, events = read_again(book, later)
    assert (again.verdict, events) == ("same", [])
    book = Book(read_with(templates(), "as before"))  # the new template is taken back: what it found out stays
    again, events = read_again(book, later)
    assert (again.verdict, events) == ("same", [])
    about = parsed(later.about)
    assert about is not None
    assert about.sent is not None
    assert (about.sent.revision, about.read_by) == (2, "taught")


def test_what_was_unparsed_becomes_the_order_it_was_then() -> None:
    book, sent = sold(vendor(1))
    assert book.events[0].type == "o2o.order.unparsed.v1"
    before = at("2026-11-22T10:31:07")
    assert (book.shop.counts(before).orders, book.shop.counts(before).unparsed) == (0, 1)
    book = learnt(book)
    again, (draft,) = read_again(book, book.captures[0], at("2026-11-25T03:00:00"))
    order = plain(draft)
    assert (again.verdict, draft.type) == ("read", "o2o.order.completed.v1")
    assert (order["order_no"], order["totals"]["payable"], order["totals"]["change"]) == ("20261122000001", 850, 150)
    assert (order["revision"], order["business_day"], order["completed_at"]) == (
        1, "2026-11-22", "2026-11-22T10:31:07.000+08:00",
    )  # fmt: skip
    assert order["journey"][0]["at"] == order["completed_at"] == sent["completed_at"]
    assert (book.shop.counts(before).orders, book.shop.counts(before).unparsed) == (1, 0)
    again, events = read_again(book, with_about(book.captures[0], again.about))
    assert (again.verdict, events) == ("same", [])


def test_the_same_paper_printed_again_is_still_one_order() -> None:
    book, _ = sold(vendor(1))
    book, _ = sold(vendor(1, extra="=====\n"), book, "2026-11-22T12:00:00")
    book = learnt(book)
    first, second = book.captures
    again, (_draft,) = read_again(book, first)
    assert again.verdict == "read"
    again, events = read_again(book, second)
    assert (again.verdict, events) == ("merged", [])
    assert book.observe(decoded(printed(vendor(1))), at("2026-11-25T09:30:00")) == []
    assert book.shop.counts(at("2026-11-25T09:30:00")).duplicates == 1


def test_what_a_slip_came_to_be_known_as_is_merged_by_its_number() -> None:
    book, _ = sold(known())
    book = learnt(book)
    read_again(book, book.captures[0])
    assert book.observe(decoded(printed(known())), at("2026-11-25T09:30:00")) == []


@pytest.mark.parametrize("worse", ["nothing", "fails"])
def test_an_order_is_never_made_worse(worse: str) -> None:
    book, _ = sold(known())
    forgetful = Book(read_with((), "none")) if worse == "nothing" else learnt(book)
    capture = book.captures[0]
    if worse == "fails":
        wrong = capture.body.replace(b"-1.04", b"-1.03")
        assert wrong != capture.body
        capture = replace(capture, body=wrong)
    again, events = read_again(forgetful, capture)
    assert again.verdict in {"kept", "same"}
    assert (events, again.about) == ([], None)


def test_a_template_of_another_name_that_reads_the_same_sends_nothing() -> None:
    book, _ = sold(sale())
    renamed = tuple(
        replace(t, settings=t.settings.model_copy(update={"version": t.settings.version + 1})) for t in templates()
    )
    again, events = read_again(Book(read_with(renamed, "renamed")), book.captures[0])
    assert (again.verdict, events) == ("same", [])


def test_what_others_knew_of_an_order_outlives_its_correction() -> None:
    book, _ = sold(known())
    (capture,) = book.captures
    about = parsed(capture.about)
    assert about is not None
    assert about.sent is not None
    evidence = msgspec.structs.replace(about.sent.evidence, flags=("missing:20261122000136", "suspected_duplicate"))
    tender = msgspec.structs.replace(about.sent.tenders[0], reference="T-77", entry="nfc")
    enriched = msgspec.structs.replace(
        about.sent,
        member="m-1", checkin_id="c-1", tenders=(tender,), evidence=evidence, revision=2,
        checks=msgspec.structs.replace(about.sent.checks, receipt_number="fail"),
    )  # fmt: skip
    about = msgspec.structs.replace(about, sent=enriched)
    book = learnt(book)
    _, (draft,) = read_again(book, replace(capture, about=msgspec.json.encode(about)))
    order = draft.data
    assert isinstance(order, data.Order)
    assert (order.member, order.checkin_id, order.revision, order.order_no) == ("m-1", "c-1", 3, "20261122000137")
    assert (order.tenders, order.evidence.flags) == ((tender,), evidence.flags)
    assert order.checks.receipt_number == "fail"


def test_the_time_is_the_slips_own_only_where_the_clock_was_not_set() -> None:
    upgraded = replace(taught(), built_ms=BUILT_MS + 365 * 86_400_000)  # newer than every capture
    book, _ = sold(vendor(1, printed="2026-11-22 23:59:00"), local="2026-11-23T08:00:00")
    _, (draft,) = read_again(Book(upgraded), book.captures[0], at("2027-11-23T08:00:00"))
    assert plain(draft)["completed_at"] == "2026-11-23T08:00:00.000+08:00"
    book, _ = sold(vendor(2, printed="2026-11-22 10:00:00"), local="2025-01-01T00:00:00")
    _, (draft,) = read_again(Book(taught()), book.captures[0])
    assert plain(draft)["completed_at"] == "2026-11-22T10:00:00.000+08:00"


def test_what_is_kept_beside_a_capture_forgets_a_member() -> None:
    book, _ = sold(known())
    about = parsed(book.captures[0].about)
    assert about is not None
    assert about.sent is not None
    mine = msgspec.json.encode(
        msgspec.structs.replace(about, sent=msgspec.structs.replace(about.sent, member="anna", checkin_id="c-1"))
    )
    assert without_member(mine, "bob") == mine
    gone = without_member(mine, "anna")
    assert b"anna" not in gone
    assert b"c-1" not in gone
    assert without_member(b"of another version", "anna") == b"of another version"


def test_unknown_shops_keep_no_secret_beside_a_capture() -> None:
    book, _ = sold(vendor(1, extra="会员手机: 13812345678\n付款码: 134567890123456789\n"))
    (capture,) = book.captures
    assert b"13812345678" not in capture.body + capture.about
    assert b"134567890123456789" not in capture.body + capture.about
    again, (draft,) = read_again(learnt(book), capture)
    assert again.capture is not None
    assert again.capture.sha256 == capture.sha256, "a capture that is redacted stays what it is"
    assert plain(draft)["totals"]["payable"] == 850
    assert settings().built_ms == BUILT_MS


def test_a_tills_own_report_and_cash_are_told_once() -> None:
    report = """\
        惠民便利店
        交班报表
收银机: 03   收银员: 王芳
2026-11-22 18:00:00
--------------------------------
销售笔数: 2
现金:  32.00
合计:  32.00
"""
    cash = """\
        惠民便利店
          现金存入
收银机: 03  收银员: 王芳
2026-11-22 09:00:00
金额: 200.00
"""
    book = Book(read_with((), "none"))
    for text in (report, cash):
        sold(text, book)
    learnt_all = Book(read_with(templates(), "all"))
    learnt_all.rows = book.rows
    learnt_all.restart()
    first, second = book.captures
    told = []
    for capture in (first, second):
        again, events = read_again(learnt_all, capture)
        assert again.verdict == "read", capture
        told += [draft.type for draft in events]
        assert read_again(learnt_all, with_about(capture, again.about)) == (
            replace(again, verdict="same", outcome=Outcome(), about=None), [],
        )  # fmt: skip
    assert "o2o.cash.moved.v1" in told
    assert learnt_all.shop.counts(at()).unparsed == 0


KITCHEN = """\
   厨打单
桌号:3  单号:0042
鱼香肉丝     1份
米饭         2份
"""


def test_what_is_no_order_is_known_for_that_and_may_still_become_one() -> None:
    forgetful, knowing = read_with((), "none"), read_with(templates(), "all")
    book, _ = sold(KITCHEN, Book(forgetful))
    (capture,) = book.captures
    knows = Book(knowing)
    knows.rows = book.rows
    knows.restart()
    again, events = read_again(knows, capture)
    assert (again.verdict, events) == ("seen", [])
    about = parsed(again.about or b"")
    assert about is not None
    assert (about.is_read, about.seen, about.told, about.read_by) == (True, "kitchen", False, "all")
    counts = knows.shop.counts(at())
    assert (counts.unparsed, counts.orders, counts.seen) == (0, 0, {"unparsed": 0, "kitchen": 1})
    later = with_about(capture, again.about)
    again, events = read_again(knows, later)
    assert (again.verdict, again.outcome, again.about) == ("seen", Outcome(), None)
    again, events = read_again(Book(forgetful), later)
    assert (again.verdict, again.outcome, again.about) == ("kept", Outcome(), None)
    better = replace(later, body=printed(sale()))  # what a template says that knows better
    again, (draft,) = read_again(knows, better)
    assert (again.verdict, draft.type) == ("read", "o2o.order.completed.v1")
    counts = knows.shop.counts(at())
    assert (counts.unparsed, counts.orders, counts.seen["kitchen"], counts.seen["sale"]) == (0, 1, 0, 1)
    about = parsed(again.about or b"")
    assert about is not None
    assert (about.seen, about.late) == ("", True)


def test_another_print_of_an_order_is_unread_no_more() -> None:
    book, _ = sold(vendor(1))
    book, _ = sold(vendor(1, extra="=====\n"), book)
    book = learnt(book)
    for capture in list(book.captures):
        read_again(book, capture)
    counts = book.shop.counts(at())
    assert (counts.orders, counts.unparsed, counts.duplicates) == (1, 0, 1)


@pytest.mark.parametrize(
    ("verdict", "sent", "late", "kept_as", "row"),
    [
        ("read", False, False, "new", b"new"),
        ("read", False, False, "old", None),
        ("read", False, False, None, b""),
        ("unparsed", False, False, "new", b"new"),
        ("unparsed", False, False, None, None),
        ("same", True, False, "new", None),
        ("same", True, True, "new", b"new"),
        ("same", True, True, None, b""),
    ],
)
def test_where_the_capture_of_a_slip_is_kept_that_was_unparsed(
    verdict: str, sent: bool, late: bool, kept_as: str | None, row: bytes | None
) -> None:
    book, _ = sold(known())
    about = parsed(book.captures[0].about)
    assert about is not None
    known_now = msgspec.json.encode(about) if verdict == "read" else None
    before = msgspec.structs.replace(about, late=late) if sent else msgspec.structs.replace(about, read=None, sent=None)
    capture = replace(book.captures[0], sha256=kept_as) if kept_as is not None else None
    changes = moved(before, Again(verdict, about=known_now, capture=capture), "old", at())
    assert [change.value for change in changes] == ([] if row is None else [row])


def test_an_exported_record_is_read_again_as_itself() -> None:
    facts = DeviceFacts("export", "till-1", "lines", read_by="before")
    book = Book(replace(settings(), devices={"export": facts}))
    raw = (
        '{"order_no": "A-1", "totals": {"payable": "16.00"}, "lines": [{"name": "可乐", "amount": "16.00"}],'
        ' "tenders": [{"type": "cash", "amount": 1600}], "member": "13812345678"}\r\n'
    )
    (record,) = records(raw.encode())
    (draft,) = book.observe(record, device="export")
    (capture,) = book.captures
    (again,) = records(capture.body)
    about = parsed(capture.about)
    assert about is not None
    read = book.shop.read_again(about, again, at())
    assert (read.verdict, read.capture and read.capture.sha256) == ("same", capture.sha256)
    assert "13812345678" not in str(plain(draft)) + capture.about.decode()


def records(raw: bytes) -> list[Record]:
    decoder = decoders.create("lines", decoders.settings_model("lines")())
    return [said for said in (*decoder.feed(raw), *decoder.idle()) if isinstance(said, Record)]
