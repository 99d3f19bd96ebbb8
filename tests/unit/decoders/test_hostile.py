"""Every decoder on every bad line: it never raises, stays small, and reads on rightly once the line is good again."""

import random
import time

import pytest

from edge_agent import decoders
from edge_agent.observations import Decoded
from tests.support.hostile import LINES, Good, Line, chunked, goods, hear, undecoded

SEED = 20261122
GOOD = [good for name in decoders.names() for good in goods(name)]
IDS = [f"{good.decoder}-{index}" for index, good in enumerate(GOOD)]
FLOODED = [goods(name, 1)[0] for name in decoders.names()]

ROUNDS = 10
AFTER = 3  # good records after a disturbance; all of them must be right
# Beside what was fed at once: a receipt of 1 MiB with a picture under way, an exported line of 64 KiB twice.
MOST = {"escpos": 1_600_000}
MOST_OF_OTHERS = 140_000


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
@pytest.mark.parametrize("good", GOOD, ids=IDS)
def test_after_a_bad_time_every_good_record_is_right(good: Good, line: Line) -> None:
    print("seed", SEED)  # noqa: T201 - pytest shows it where the test fails
    rng = random.Random(SEED)
    decoder = good.fresh()
    consumed = decoder.consumed
    for number in range(ROUNDS):
        for piece in chunked(line(good.data * 2, rng), rng):
            decoder.feed(piece)
            assert decoder.consumed >= consumed
            consumed = decoder.consumed
        decoder.idle()
        hear(decoder, good.data)  # what a decoder remembers of the bad time (a weight, an answer) it may use once
        for _ in range(AFTER):
            assert hear(decoder, *chunked(good.data, rng)) == good.said, number


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
@pytest.mark.parametrize("good", GOOD, ids=IDS)
def test_on_a_bad_line_cuts_change_nothing(good: Good, line: Line) -> None:
    """A byte at a time, in chunks and whole it is the same line; nor does it matter where a fresh decoder goes on."""
    print("seed", SEED)  # noqa: T201
    rng = random.Random(SEED + 1)
    for _ in range(2):
        data = line(good.data * 2, rng)
        whole = hear(good.fresh(), data)
        assert hear(good.fresh(), *chunked(data, rng)) == whole
        assert hear(good.fresh(), *(data[at : at + 1] for at in range(len(data)))) == whole
        first = good.fresh()
        before = first.consumed
        cut = rng.randrange(len(data) + 1)
        seen: list[Decoded] = first.feed(data[:cut])
        second = decoders.create(good.decoder, decoders.settings_model(good.decoder)(**good.settings))
        assert seen + hear(second, first.modes(), data[first.consumed - before :]) == whole, cut


FLOODS = {
    **{f"{byte:02x}": bytes((byte,)) * (1 << 17) for byte in (0x00, 0x0A, 0x1B, 0x41, 0xFF)},
    "02": b"\x02" * (1 << 20),
    "random": random.Random(SEED).randbytes(1 << 20),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("good", FLOODED, ids=decoders.names())
def test_a_flood_is_survived_in_little_memory(good: Good, flood: str) -> None:
    decoder = good.fresh()
    data = FLOODS[flood]
    most = consumed = 0
    for at in range(0, len(data), 16384):
        decoder.feed(data[at : at + 16384])
        most = max(most, len(decoder.unfinished()))
        assert decoder.consumed >= consumed
        consumed = decoder.consumed
    decoder.idle()
    assert most <= MOST.get(good.decoder, MOST_OF_OTHERS) + 16384
    assert decoder.unfinished() == decoder.modes()
    hear(decoder, good.data)
    assert hear(decoder, good.data) == good.said


@pytest.mark.parametrize("good", FLOODED, ids=decoders.names())
def test_four_times_the_noise_takes_about_four_times_as_long(good: Good) -> None:
    def seconds(size: int) -> float:
        decoder = good.fresh()
        data = random.Random(SEED).randbytes(size)
        started = time.process_time()
        for at in range(0, size, 4096):
            decoder.feed(data[at : at + 4096])
        return time.process_time() - started

    seconds(1 << 14)
    assert min(seconds(1 << 18) for _ in range(2)) / min(seconds(1 << 16) for _ in range(2)) < 10


@pytest.mark.parametrize("good", FLOODED, ids=decoders.names())
def test_noise_is_not_waved_through(good: Good) -> None:
    """Of random bytes between good records some come back as what they are: that is how a bad line is noticed."""
    rng = random.Random(SEED)
    seen = hear(good.fresh(), *(good.data + rng.randbytes(400) for _ in range(20)))
    assert undecoded(seen) >= 0.1 * 20 * 400
