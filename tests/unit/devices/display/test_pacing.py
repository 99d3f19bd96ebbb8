import pytest

from edge_agent.devices.display.pacing import AHEAD_MS, Pacing


@pytest.mark.parametrize(
    ("baudrate", "gap_ms", "lasts_ms"), [(9600, 20, 20), (2400, 0, 4.17), (9600, 0, 1.04), (300, 20, 33.3)]
)
def test_bytes_go_no_faster_than_the_display_takes_them(baudrate: int, gap_ms: int, lasts_ms: float) -> None:
    pacing = Pacing(baudrate, gap_ms)
    sent, now = 0, 1_000
    while sent < 200:
        room = pacing.allowed(now)
        if room:
            pacing.sent(room, now)
            sent += room
        assert pacing.free_at_ms > now
        now = pacing.free_at_ms
    assert (now - 1_000) / sent == pytest.approx(lasts_ms, rel=0.1)


def test_little_stands_before_the_registers_next_byte() -> None:
    pacing = Pacing(9600, 0)
    assert 1 <= pacing.allowed(0) <= AHEAD_MS
    assert Pacing(9600, 100).allowed(0) == 1


def test_the_registers_bytes_take_their_time_as_well() -> None:
    pacing = Pacing(9600, 20)
    pacing.sent(40, 0)
    assert pacing.allowed(799) == 0
    assert pacing.allowed(800) == 1
