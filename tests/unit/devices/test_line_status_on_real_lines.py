"""What a wrong baud rate does to a printer's line, bit by bit, and what the status makes of it."""

import random
from datetime import datetime

import pytest

from edge_agent.clock import Clock
from edge_agent.decoders import escpos
from edge_agent.devices.line_status import LineStatus
from edge_agent.simulator.receipts import encode, ring_up
from tests.support.devices import States
from tests.support.uart import heard

SEED = 20261122
RECEIPTS = 12


def printed(style: str) -> list[bytes]:
    rng = random.Random(SEED)
    return [encode(ring_up(rng, style, f"20261122{n:06}", datetime(2026, 11, 22, 10, n))) for n in range(RECEIPTS)]


def listen(receipts: list[bytes]) -> States:
    states = States()
    status = LineStatus(states, Clock(), rate=960)
    decoder = escpos.Decoder(escpos.Settings())
    status.up()
    for receipt in receipts:
        before = decoder.consumed
        status.received(len(receipt))
        observations = decoder.feed(receipt) + decoder.idle()
        status.understood(observations, decoder.consumed - before)
    return states


@pytest.mark.parametrize("style", ["zh-retail", "zh-restaurant", "en-retail"])
@pytest.mark.parametrize("sent", [1200, 2400, 4800, 19200, 38400])
def test_a_wrong_baud_rate_is_seen_within_a_few_receipts_and_a_right_one_heals(style: str, sent: int) -> None:
    wrong = [heard(receipt, sent=sent, read=9600) for receipt in printed(style)]
    assert listen(wrong).reasons[:2] == ["up", "unreadable"]
    assert listen(wrong + printed(style)).reasons[-1] == "up"


@pytest.mark.parametrize("style", ["zh-retail", "zh-restaurant", "en-retail"])
def test_a_right_baud_rate_is_never_accused_even_under_noise(style: str) -> None:
    rng = random.Random(SEED)
    noisy = [bytes(b ^ (1 << rng.randrange(8)) if rng.random() < 0.01 else b for b in r) for r in printed(style)]
    assert listen(printed(style)).reasons == ["up"]
    assert listen(noisy).reasons == ["up"]
    assert listen([heard(r, sent=9600, read=9600) for r in printed(style)]).reasons == ["up"]
