"""ESC/POS on a noisy line: what one spoilt byte may cost, and what it must not."""

import random
import time

import pytest

from edge_agent.decoders import _escpos_text as text
from edge_agent.observations import Receipt, Undecoded
from tests.support.streams import decode

INIT, CUT = b"\x1b@", b"\x1dV\x42\x00"


def printed(data: bytes) -> list[tuple[str, ...]]:
    return [one.lines for one in decode("escpos", [data]) if isinstance(one, Receipt)]


def rows(data: bytes) -> tuple[str, ...]:
    (lines,) = printed(data)
    return lines


@pytest.mark.parametrize("at", range(20))
def test_a_spoilt_or_lost_byte_costs_two_chinese_characters_at_most(at: int) -> None:
    """Nine of ten stand, or eight where it cannot be told which of two pairs lost a byte; never the rest of the row."""
    words = "微信支付收款找零合计"
    data = words.encode("gb18030")
    for spoilt in (data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :], data[:at] + data[at + 1 :]):
        (row,) = rows(spoilt + b": 16.00\n" + CUT)
        assert sum(char in row for char in words) >= 8, row
        assert row.endswith(": 16.00")


def test_most_often_it_costs_one() -> None:
    rng = random.Random(4)
    words = [
        rng.sample("单号时间收银员品名数量单价金额优惠应收现金找零微信支付宝行卡谢惠顾牛奶面包苹果瓜子", 8)
        for _ in range(300)
    ]
    stood = 0
    for word in words:
        data = "".join(word).encode("gb18030")
        at = rng.randrange(len(data))
        (row,) = rows(data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :] + b": 1\n" + CUT)
        stood += sum(char in row for char in word)
    assert stood >= 0.85 * 8 * len(words), stood


def test_rare_characters_with_an_ascii_byte_stand() -> None:
    for words in ("朱镕基 1.00", "囍事 2.00", "價格 3.00", "一镕"):
        assert rows(words.encode("gb18030") + b"\n" + CUT) == (words,)
        # and beside a spoilt character, too
        assert rows(words.encode("gb18030") + b" \xff\n" + CUT) == (words + " \ufffd",)


def test_a_random_run_of_odd_length_loses_one_byte() -> None:
    rng = random.Random(2)
    for _ in range(200):
        whole = "".join(chr(rng.randrange(0x4E00, 0x9FA0)) for _ in range(8)).encode("gb18030", "ignore")
        lost = rng.randrange(len(whole))
        found, bad = text.decode(
            whole[:lost] + whole[lost + 1 :], text.charset("gb18030", None, True, None, False, 0).first, None
        )
        assert found.count("\ufffd") + found.count(" ") == len(bad)


@pytest.mark.parametrize("byte", [*range(0x10, 0x1A), 0x0E])
def test_a_digit_that_became_a_control_byte_leaves_no_other_figure(byte: int) -> None:
    for before, after in ((b"1", b"0.50"), (b"1", b".50"), (b" ", b"0.50"), (b"10.", b" ")):
        (row,) = rows(b"TOTAL " + before + bytes((byte,)) + after + b"\n" + CUT)
        assert "\ufffd" in row, row


def test_a_control_byte_away_from_figures_shows_nothing() -> None:
    assert rows(b"SHO\x13P\x11\n16.00 \x11 x\n" + CUT) == ("SHOP", "16.00  x")


def test_a_blank_between_figures_that_became_nul_joins_nothing() -> None:
    assert rows(b"2\x0012.00\n" + CUT) == ("2\ufffd12.00",)
    assert rows(b"16.00\x00\nx\x00y\n" + CUT) == ("16.00", "xy")


def test_a_spoilt_blank_is_a_blank() -> None:
    seen = decode("escpos", [b"TOTAL\xa0  16.00\n" + CUT])
    assert seen == [
        Receipt(("TOTAL   16.00",), b"TOTAL\xa0  16.00\n" + CUT, (), ("undecodable",)),
        Undecoded(b"\xa0", "encoding"),
    ]


ONE = INIT + b"SHOP\nNo 1\nTOTAL 1.00\nthanks\n"
TWO = INIT + b"SHOP\nNo 2\nTOTAL 2.00\nthanks\n"


@pytest.mark.parametrize(
    "cut", [b"\x1cVB\x00", b"\x1dvB\x00", b"\x1dVC\x00", b"=VB\x00", b"\x9dVB\x00", b"VB\x00", b"\x1dB\x00V"]
)
def test_a_cut_that_was_read_wrong_joins_no_receipts(cut: bytes) -> None:
    """Text that no line end printed, or noise, directly before ESC @: no driver throws away what it has just sent."""
    first, second = printed(ONE + cut + TWO + CUT)
    assert "No 1" in first
    assert second == ("SHOP", "No 2", "TOTAL 2.00", "thanks")


def test_initialising_between_rows_ends_nothing() -> None:
    assert len(rows(ONE + INIT + b"more\n" + INIT + b"and more\n" + CUT)) == 6


SYMBOL = b"\x1d(k\x0b\x001P0ORDER-01\x1d(k\x03\x001Q0"
PICTURE = b"\x1dv0\x00\x18\x00\x40\x00" + bytes(24 * 64)


@pytest.mark.parametrize(
    "begun",
    [SYMBOL.replace(b"\x0b\x00", b"\x0b\x08", 1), PICTURE.replace(b"\x40\x00", b"\x40\x10", 1)],
    ids=["symbol", "picture"],
)
def test_a_length_that_was_read_wrong_swallows_no_receipt(begun: bytes) -> None:
    busy = printed(INIT + begun + b"\nNo 1\nTOTAL 1.00\n" + CUT + TWO + CUT)
    assert busy[-1] == ("SHOP", "No 2", "TOTAL 2.00", "thanks")
    assert "TOTAL 1.00" in busy[0]
    assert "TOTAL 1.00" in printed(INIT + begun + b"\nNo 1\nTOTAL 1.00\n" + CUT)[0], "the line fell silent"


def test_a_picture_cut_short_is_no_text() -> None:
    seen = decode("escpos", [INIT + b"a\n" + PICTURE[:700]])
    assert [one.lines for one in seen if isinstance(one, Receipt)] == [("a",)]
    assert [one.reason for one in seen if isinstance(one, Undecoded)] == ["unfinished"]


def test_a_large_picture_byte_by_byte_costs_no_more_than_its_bytes() -> None:
    def seconds(rows_: int) -> float:
        data = b"\x1dv0\x00\x48\x00" + rows_.to_bytes(2, "little") + bytes(72 * rows_)
        started = time.process_time()
        decode("escpos", [data[at : at + 16] for at in range(0, len(data), 16)])
        return time.process_time() - started

    seconds(50)
    assert seconds(3200) / seconds(800) < 16  # four times as much; quadratic would be 16 and more


def test_lengths_within_lengths_are_given_up_in_time() -> None:
    nested = b"\x1dv0\x00\x48\x00\x00\x10" * 20_000 + b"text text\ntext text\n"
    started = time.process_time()
    decode("escpos", [nested])
    seconds = time.process_time() - started
    flat = time.process_time()
    decode("escpos", [b"text text\n" * (len(nested) // 10)])
    assert seconds < 100 * (time.process_time() - flat)
