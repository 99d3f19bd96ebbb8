"""Records one a line: limits, hostile input, and what outlives a line. The forms themselves are in lines.toml."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent import decoders
from edge_agent.decoders import lines
from edge_agent.observations import Record, Scan, Undecoded
from tests.support.streams import decode


def reasons(data: bytes, **settings: Any) -> list[str]:
    return [one.reason for one in decode("lines", [data], **settings) if isinstance(one, Undecoded)]


def test_a_nested_order_comes_through_whole() -> None:
    order: dict[str, object] = {
        "order_no": "A-1",
        "kind": "return",
        "original_order_no": "A-0",
        "printed_at": "2026-11-22T10:31:05",
        "workstation": "03",
        "lines": [{"name": "苹果", "quantity": "0.856", "amount": 854}],
        "tenders": [{"type": "cash", "amount": 854}],
        "totals": {"payable": 854},
    }
    line = json.dumps(order, ensure_ascii=False).encode() + b"\n"
    assert decode("lines", [line]) == [Record(order, line)]


def test_minor_and_major_units_stay_what_they_were() -> None:
    (minor, text, point) = decode("lines", [b'{"payable":1600}\n{"payable":"16.10"}\n{"payable":16.10}\n'])
    assert isinstance(minor, Record)
    assert isinstance(text, Record)
    assert isinstance(point, Record)
    assert minor.fields == {"totals": {"payable": 1600}}
    assert text.fields == {"totals": {"payable": "16.10"}}
    assert point.fields == {"totals": {"payable": Decimal("16.10")}}


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"payable":' + b"9" * 5000 + b"}",
        b'{"payable":1e999999999}',
        b'{"payable":-Infinity}',
        b'{"payable":5',
        b'"payable"',
        b'{"payable":5}{"payable":6}',
        b"\x00\x01\x02{",
    ],
)
def test_hostile_json_is_not_json(line: bytes) -> None:
    assert reasons(line + b"\n") == ["not_json"]


def test_a_lone_surrogate_is_replaced_everywhere() -> None:
    (record,) = decode("lines", [b'{"payable":1,"\\ud800":["\\uDfff",{"a":"\\ud83d\\ude00"}]}\n'])
    assert isinstance(record, Record)
    assert record.fields["�"] == ["�", {"a": "😀"}]
    str(record.fields).encode()


def test_a_line_too_long_comes_back_in_pieces_and_is_never_half_read() -> None:
    tail = b'{"payable":5}'
    long = b"x" * (3 * lines.MAX_LINE) + tail + b"\n"
    seen = decode("lines", [long, b'{"payable":6}\n'])
    assert b"".join(one.data for one in seen if isinstance(one, Undecoded)) == long
    assert {one.reason for one in seen if isinstance(one, Undecoded)} == {"too_long"}
    assert [one.fields for one in seen if isinstance(one, Record)] == [{"totals": {"payable": 6}}]


@pytest.mark.parametrize("cut", [10, lines.MAX_LINE, lines.MAX_LINE + 1, 2 * lines.MAX_LINE, 3 * lines.MAX_LINE + 5])
def test_a_fresh_decoder_knows_that_the_line_under_way_was_too_long(cut: int) -> None:
    data = b"payable,code\n" + b"1.00," * (3 * lines.MAX_LINE // 5) + b"\n1.00,\n"
    settings = lines.Settings(format="csv")
    first = decoders.create("lines", settings)
    seen = first.feed(data[:cut])
    assert len(first.unfinished()) <= lines.MAX_LINE + 100
    second = decoders.create("lines", settings)
    for piece in (first.modes(), data[first.consumed :]):
        seen += second.feed(piece)
    assert seen == decode("lines", [data], idle=False, format="csv")


def test_a_csv_header_is_remembered_by_the_one_that_takes_over() -> None:
    first = decoders.create("lines", lines.Settings(format="csv"))
    assert first.feed(b"no,due\n") == []
    assert first.modes() == b"no,due\n"
    second = decoders.create("lines", lines.Settings(format="csv", fields={"payable": "due", "order_no": "no"}))
    (record,) = second.feed(first.unfinished() + b"7,5.00\n")
    assert isinstance(record, Record)
    assert record.fields == {"order_no": "7", "totals": {"payable": "5.00"}}


def test_a_code_may_be_mapped() -> None:
    (scan,) = decode("lines", [b"<>barcode=690;till=2\n"[2:]], format="key-value", fields={"code": "barcode"})
    assert scan == Scan("690", {"till": "2"})


@pytest.mark.parametrize("value", [b'""', b"null", b"true", b'"abc"', b'"1.00001"', b"[1]", b'{"a":1}'])
def test_what_is_no_amount_makes_no_order(value: bytes) -> None:
    assert reasons(b'{"order_no":"1","payable":' + value + b"}\n") == ["no_order"]


def test_settings_are_strict() -> None:
    with pytest.raises(ValidationError):
        lines.Settings.model_validate({"format": "xml"})
    with pytest.raises(ValidationError):
        lines.Settings.model_validate({"delimiter": ";;"})
