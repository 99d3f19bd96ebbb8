"""What a check makes of one receipt that is read at another baud rate than it was sent with, bit by bit."""

import random
from datetime import datetime
from pathlib import Path

import pytest

from edge_agent.decoders import escpos
from edge_agent.generation import RunningDevice
from edge_agent.page.actions.listening import found
from edge_agent.simulator.receipts import encode, ring_up
from tests.support.uart import heard
from tests.unit.page.actions.test_checks import line, say, tap

__all__ = ["line"]  # the fixture

SEED = 20261122
STYLES = ["zh-retail", "zh-restaurant", "en-retail"]


def receipts(style: str) -> list[bytes]:
    rng = random.Random(SEED)
    return [encode(ring_up(rng, style, f"20261122{n:06}", datetime(2026, 11, 22, 10, n))) for n in range(12)]


def verdicts(line: RunningDevice, style: str, sent: int) -> list[str]:
    """Return how a check of each receipt on its own ends."""
    ends = []
    for receipt in receipts(style):
        listening, decoder = tap(line), escpos.Decoder(escpos.Settings())
        say(line, *decoder.feed(heard(receipt, sent=sent, read=9600)), *decoder.idle())
        ends.append(found(listening, is_over=True).text)
    return ends


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("sent", [1200, 2400, 4800, 19200, 38400])
def test_a_wrong_rate_never_passes(line: RunningDevice, style: str, sent: int, tmp_path: Path) -> None:
    assert set(verdicts(line, style, sent)) == {"found.meaningless"}


@pytest.mark.parametrize("style", STYLES)
def test_the_right_rate_always_passes(line: RunningDevice, style: str) -> None:
    assert set(verdicts(line, style, 9600)) == {"found.slip"}
