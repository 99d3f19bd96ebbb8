"""What a wrong baud rate does to a printer's line, bit by bit, and what the status makes of it."""

import random
from datetime import datetime

import pytest

from edge_agent.clock import Clock
from edge_agent.decoders import escpos
from edge_agent.devices.line_status import PADDING, LineStatus
from edge_agent.simulator.receipts import encode, ring_up
from tests.support.devices import States
from tests.support.uart import heard

SEED = 20261122
RECEIPTS = 12
PART = 1024  # bytes that arrive together


def printed(style: str) -> list[bytes]:
    rng = random.Random(SEED)
    return [encode(ring_up(rng, style, f"20261122{n:06}", datetime(2026, 11, 22, 10, n))) for n in range(RECEIPTS)]


def listen(receipts: list[bytes]) -> States:
    states = States()
    status = LineStatus(states, Clock(), rate=960)
    decoder = escpos.Decoder(escpos.Settings())
    status.up()
    for receipt in receipts:
        for start in range(0, len(receipt), PART):
            part, before = receipt[start : start + PART], decoder.consumed
            status.received(len(part))
            status.understood(decoder.feed(part), decoder.consumed - before, part)
        before = decoder.consumed
        status.understood(decoder.idle(), decoder.consumed - before)
    return states


@pytest.mark.parametrize("style", ["zh-retail", "zh-restaurant", "en-retail"])
@pytest.mark.parametrize("sent", [300, 600, 1200, 2400, 4800, 19200, 38400])
def test_a_wrong_baud_rate_is_seen_within_a_few_receipts_and_a_right_one_heals(style: str, sent: int) -> None:
    wrong = [heard(receipt, sent=sent, read=9600) for receipt in printed(style)]
    assert listen(wrong).reasons[:2] == ["up", "unreadable"]
    assert listen(wrong + printed(style)).reasons[-1] == "up"


def test_padding_is_never_accused() -> None:
    """A driver wakes the printer, or flushes what a job cut short has left, with as many NULs as its buffer holds."""
    woken = [b"\0" * PADDING + receipt for receipt in printed("zh-retail")]
    assert listen([*woken, b"\0" * (PADDING // 2), b"\0" * (PADDING // 2)]).reasons == ["up"]


def test_white_paper_in_a_picture_is_no_padding() -> None:
    rows = 2 * PADDING // 72
    picture = b"\x1b@\x1dv0\x00" + bytes([72, 0]) + rows.to_bytes(2, "little") + b"\0" * (72 * rows) + b"\x1dV\x00"
    assert listen([picture]).reasons == ["up"]


@pytest.mark.parametrize("style", ["zh-retail", "zh-restaurant", "en-retail"])
def test_a_right_baud_rate_is_never_accused_even_under_noise(style: str) -> None:
    rng = random.Random(SEED)
    noisy = [bytes(b ^ (1 << rng.randrange(8)) if rng.random() < 0.01 else b for b in r) for r in printed(style)]
    assert listen(printed(style)).reasons == ["up"]
    assert listen(noisy).reasons == ["up"]
    assert listen([heard(r, sent=9600, read=9600) for r in printed(style)]).reasons == ["up"]
