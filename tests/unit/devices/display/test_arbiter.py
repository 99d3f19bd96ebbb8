"""The register always wins: played on a display that the decoder stands for, with a clock the test turns."""

import random
from typing import Any

import pytest

from edge_agent.decoders.linedisplay import Decoder, Settings
from edge_agent.devices.display.arbiter import PATIENCE_MS, QUIET_MS, Arbiter

DIALECTS = ("led8", "led8-binary", "partner", "cd5220", "epson")
SHOWN = ("values", "lit", "rows", "x", "y", "mode", "strings", "scrolling")
SPEECH = {
    "led8": [b"\x0c", b"\x1bs2\x1bQA16.00\r", b"\x1bQA5.00\r", b"\x1bs4", b"\x1b@", b"\x1bQA20.00\r\x1bs3"],
    "led8-binary": [b"\x0c", b"\x1bs\x02\x1bQA16.00\r", b"\x1bQA5.00\r", b"\x1bs\x04"],
    "partner": [b"\x0c", b"\x1bs\x03\x01\x1bQA16.00\r", b"\x1bQA5.00\r", b"\x1bs\x05\x01"],
    "cd5220": [
        b"\x0c",
        b"\x1bQATOTAL   16.00\r",
        b"\x1bQBCHANGE   4.00\r",
        b"\x18",
        b"\x0c\x1bl\x03\x02abc",
        b"\x0chello",
    ],
    "epson": [
        b"\x0c",
        b"TOTAL 16.00",
        b"\x1f$\x01\x02CHANGE",
        b"\x0b",
        b"\x18",
        "合计".encode("gb18030"),
        b"\x1f\x02",
        b"\n",
    ],
}
OURS = {dialect: ["16.00", "找零 4.00", "no figure"] for dialect in DIALECTS[:3]} | {
    dialect: ["欢迎光临", "WELCOME", "points 1280"] for dialect in DIALECTS[3:]
}


class Rig:
    """An arbiter, the display behind it, and the display as it would be without the agent."""

    def __init__(self, dialect: str, pace: str = "20ms") -> None:
        self.now = 1_000_000
        settings = Settings.model_validate({"dialect": dialect, "pace": pace})
        self.arbiter = Arbiter(settings, 9600, lambda: self.now)
        self.display, self.alone = Decoder(settings), Decoder(settings)
        self.ours = bytearray()
        self.heard = self.now - QUIET_MS

    def register(self, data: bytes) -> bytes:
        out = self.arbiter.register(data)
        assert out.endswith(data)
        self.display.feed(out)
        self.alone.feed(data)
        self.heard = self.now
        return out

    def wait(self, ms: int) -> bytes:
        """Let time pass, with ``due`` asked when it wants to be."""
        end, written = self.now + ms, bytearray()
        for _ in range(100_000):
            deadline = self.arbiter.next_deadline()
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            piece = self.arbiter.due(self.now)
            assert not piece or self.now - self.heard >= QUIET_MS
            written += piece
            self.display.feed(piece)
        else:
            pytest.fail("due wants to be asked for ever")
        self.now = end
        self.ours += written
        return bytes(written)

    def same(self) -> bool:
        return shown(self.display) == shown(self.alone)


def shown(decoder: Decoder) -> dict[str, Any]:
    return {name: getattr(decoder.screen.state, name) for name in SHOWN if hasattr(decoder.screen.state, name)}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_text_waits_for_quiet_stands_its_time_and_gives_way(dialect: str) -> None:
    rig = Rig(dialect)
    rig.register(SPEECH[dialect][1])
    rig.arbiter.show([OURS[dialect][1]], 5.0)
    assert rig.wait(QUIET_MS - 1) == b""
    assert rig.wait(3_000) != b""
    assert not rig.same()
    rig.wait(10_000)
    assert rig.same()
    assert rig.arbiter.next_deadline() is None


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("pace", ["0ms", "20ms"])
def test_whatever_happens_the_register_finds_its_display(dialect: str, pace: str) -> None:
    for seed in range(60):
        rng = random.Random(seed)
        rig = Rig(dialect, pace)
        for _ in range(30):
            move = rng.random()
            if move < 0.4:
                data = rng.choice(SPEECH[dialect])
                cut = rng.randrange(len(data) + 1)
                for piece in (data[:cut], data[cut:]):
                    rig.register(piece) if piece else None
                    rig.now += rng.choice((0, 5, 50))
                assert rig.same(), seed
            elif move < 0.7:
                rig.arbiter.show([rng.choice(OURS[dialect])], rng.choice((0.1, 1.0, 4.0)))
            else:
                rig.wait(rng.choice((1, 15, 40, 300, 2_000, QUIET_MS, 20_000)))
        rig.wait(60_000)
        assert rig.same(), seed
        assert not rig.display.doubtful, seed


def test_the_register_waits_for_no_more_than_the_end_of_a_command_and_its_own_picture() -> None:
    rig = Rig("led8")
    rig.register(b"\x1bs2\x1bQA16.00\r")
    rig.arbiter.show(["4.00"], 5.0)
    rig.wait(QUIET_MS + 100)
    out = rig.register(b"\x1bs3\x1bQA20.00\r")
    assert len(out) <= 2 * len(b"\x1bs3\x1bQA20.00\r") + 4
    assert rig.same()
    rig.wait(60_000)
    assert rig.same()


def test_a_register_that_draws_afresh_waits_for_nothing() -> None:
    rig = Rig("epson")
    rig.register(b"\x0cTOTAL 16.00")
    rig.arbiter.show(["WELCOME"], 5.0)
    rig.wait(QUIET_MS + 2_000)
    assert rig.register(b"\x0cCASH 20.00") == b"\x0cCASH 20.00"
    assert rig.same()


def test_without_text_every_byte_passes_as_it_is() -> None:
    rng = random.Random(1)
    for dialect in DIALECTS:
        arbiter = Arbiter(Settings.model_validate({"dialect": dialect}), 9600, lambda: 0)
        for _ in range(200):
            data = rng.randbytes(rng.randrange(40))
            assert arbiter.register(data) == data
        assert arbiter.next_deadline() is None


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ("led8", b"\x1bs\x03\x01\x1bQA16.00\r"),  # another dialect: nobody knows what the agent's bytes would do
        ("led8", b"\x1bQA16."),  # half a command: the display would take the agent's bytes for the rest
        ("epson", b"TOTAL\x1b=\x01"),  # the bytes go to the printer
        ("epson", b"\x0cTOTAL\x1fT\x0a\x0b"),  # a clock runs: it could not be put back
    ],
)
def test_nothing_is_written_where_it_might_do_harm(dialect: str, said: bytes) -> None:
    rig = Rig(dialect)
    rig.register(said)
    rig.arbiter.show(["16.00"], 5.0)
    assert rig.wait(2 * PATIENCE_MS) == b""
    assert rig.arbiter.next_deadline() is None


def test_text_that_found_no_quiet_in_time_is_given_up() -> None:
    rig = Rig("led8")
    rig.arbiter.show(["16.00"], 5.0)
    for _ in range(PATIENCE_MS // 1000 + 1):
        rig.register(b"\x1bs2\x1bQA5.00\r")
        assert rig.wait(1_000) == b""
    assert rig.wait(60_000) == b""


def test_a_display_without_a_register_can_be_written_on_at_once() -> None:
    rig = Rig("cd5220")
    rig.arbiter.show(["欢迎光临"], 2.0)
    rig.wait(1_500)
    assert rig.display.screen.state.rows[0][0] == "欢"  # type: ignore[union-attr]
