"""Scripted shopping days: noisy, and yet exactly the visits that were."""

import pytest

from tests.unit.shop.presence.rig import OPENING_MS, Rig
from tests.unit.shop.presence.script import play

DAYS: dict[str, tuple[str, str]] = {
    "enter, linger, leave": (
        "09:00:20-09:12:20  amy badge  door -60",
        """
        09:00 entered amy front #1
        09:01 dwelled amy front #1
        09:06 dwelled amy front #1
        09:11 dwelled amy front #1
        09:12 left amy front #1
        """,
    ),
    "a phone out of range for 90 seconds is one visit": (
        """
        09:00:20-09:03:20  bob phone  door -62
        09:04:50-09:08:20  bob phone  door -62
        """,
        """
        09:00 entered bob front #1
        09:01 dwelled bob front #1
        09:06 dwelled bob front #1
        09:08 left bob front #1
        """,
    ),
    "it fades before it is out of range": (
        """
        09:00:20-09:03:20  bob phone  door -62
        09:03:20-09:03:32  bob phone  door -88
        09:04:42-09:04:50  bob phone  door -86
        09:04:50-09:05:50  bob phone  door -62
        """,
        """
        09:00 entered bob front #1
        09:01 dwelled bob front #1
        09:05 left bob front #1
        """,
    ),
    "a phone out for five minutes is two": (
        """
        09:00:20-09:03:20  bob phone  door -62
        09:08:20-09:09:50  bob phone  door -62
        """,
        """
        09:00 entered bob front #1
        09:01 dwelled bob front #1
        09:03 left bob front #1
        09:08 entered bob front #2
        09:09 dwelled bob front #2
        09:09 left bob front #2
        """,
    ),
    "who walks by, or stands outside, is not here": (
        """
        09:00:00-09:00:40  cid phone  door -85
        09:10:00-09:40:00  dan badge  door -85
        """,
        "",
    ),
    "from the door to the till and home": (
        """
        09:00:20-09:04:20  eve badge  door -58  till -74
        09:04:20-09:10:40  eve badge  door -76  till -57
        09:10:40-09:12:50  eve badge  door -60  till -75
        """,
        """
        09:00 entered eve front #1
        09:01 dwelled eve front #1
        09:04 left eve front #1
        09:04 entered eve tills #1
        09:05 dwelled eve tills #1
        09:10 dwelled eve tills #1
        09:10 left eve tills #1
        09:10 entered eve front #1
        09:11 dwelled eve front #1
        09:12 left eve front #1
        """,
    ),
    "halfway between two zones nobody goes to and fro": (
        """
        09:00:20-09:01:00  eve badge  door -56  till -70
        09:01:00-09:30:50  eve badge  door -63  till -62
        """,
        """
        09:00 entered eve front #1
        09:01 dwelled eve front #1
        09:06 dwelled eve front #1
        09:11 dwelled eve front #1
        09:16 dwelled eve front #1
        09:21 dwelled eve front #1
        09:26 dwelled eve front #1
        09:30 left eve front #1
        """,
    ),
    "a restart in the middle": (
        """
        09:00:20-09:08:50  fay badge  door -60
        09:04:00           restart 25
        """,
        """
        09:00 entered fay front #1
        09:01 dwelled fay front #1
        09:06 dwelled fay front #1
        09:08 left fay front #1
        """,
    ),
    "a reboot in the middle": (
        """
        09:00:20-09:08:50  fay badge  door -60
        09:04:00           reboot 100
        """,
        """
        09:00 entered fay front #1
        09:01 dwelled fay front #1
        09:06 dwelled fay front #1
        09:08 left fay front #1
        """,
    ),
    "gone during a restart: known until the last that was written": (
        """
        09:00:20-09:04:00  fay badge  door -60
        09:04:00           restart 100
        """,
        """
        09:00 entered fay front #1
        09:01 dwelled fay front #1
        09:01 left fay front #1
        """,
    ),
    "the adapter is dead for ten minutes": (
        """
        09:00:20-09:05:00  gil badge  door -60
        09:00:20-09:05:00  hal phone  door -65
        09:05:00           dead door
        09:15:00           alive door
        09:15:01-09:18:50  gil badge  door -60
        """,
        """
        09:00 entered gil front #1
        09:00 entered hal front #1
        09:01 dwelled hal front #1
        09:01 dwelled gil front #1
        09:15 dwelled gil front #1
        09:16 dwelled gil front #1
        09:04 left hal front #1
        09:18 left gil front #1
        """,
    ),
    "the radio is mute for two minutes, and then built anew": (
        """
        09:00:20-09:05:00  gil badge     door -60
        09:00:20-09:05:00  hal badge     door -65
        09:00:20-09:05:00  ~1  stranger  door -70
        09:06:50           dead door
        09:06:55           alive door
        09:06:56-09:08:50  gil badge     door -60
        09:06:56-09:08:50  hal badge     door -65
        """,
        """
        09:00 entered gil front #1
        09:00 entered hal front #1
        09:01 dwelled hal front #1
        09:01 dwelled gil front #1
        09:06 dwelled gil front #1
        09:06 dwelled hal front #1
        09:08 left gil front #1
        09:08 left hal front #1
        """,
    ),
}


def by_visitor(told: list[str]) -> list[str]:
    """Return what was told in its order, one visitor after another: what noise shuffles is only who comes first."""
    return sorted(told, key=lambda line: line.split()[2])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DAYS)
def test_exactly_the_visits_that_were(name: str, seed: int) -> None:
    script, expected = DAYS[name]
    told, rig = play(script, seed, "09:45:00")
    assert by_visitor(told) == by_visitor([line.strip() for line in expected.strip().splitlines()])
    assert rig.rows == {}
    assert rig.engine.present == 0


A_WHOLE_DAY = """
    09:50:20-11:10:10  sue badge     door -62  till -75     # opens the shop
    11:10:10-11:20:20  sue badge     door -90               # a break, just outside
    11:20:20-12:30:20  sue badge     door -77  till -55
    10:00:20-10:04:50  amy phone     door -60  till -80
    10:00:30-10:02:00  ~1  stranger  door -60
    10:00:30-10:02:00  ~2  stranger  door -60
    10:00:30-10:02:00  ~3  stranger  door -61
    10:00:30-10:02:00  ~4  stranger  door -62
    10:00:30-10:02:00  ~5  stranger  door -63
    10:10:00-10:40:00  ~6  stranger  door -88               # across the street
    11:00:20-11:02:50  bob phone     till -58
    11:04:10-11:05:50  bob phone     till -58
    11:30:00           restart 20
    11:40:00           dead till
    11:50:00           alive till
    12:00:20-12:30:20  cid phone     till -60
    12:01:00-12:01:20  flood 400     till -50
    12:10:20-12:30:20  dan badge     till -65
"""


@pytest.fixture(scope="module")
def whole_day() -> tuple[list[str], Rig]:
    return play(A_WHOLE_DAY, 1, "12:40:00")


def test_a_whole_day_has_exactly_its_visits(whole_day: tuple[list[str], Rig]) -> None:
    told, rig = whole_day
    assert by_visitor([line for line in told if " dwelled " not in line]) == [
        "10:00 entered amy front #1",
        "10:04 left amy front #1",
        "11:00 entered bob tills #1",
        "11:05 left bob tills #1",
        "12:00 entered cid tills #1",
        "12:30 left cid tills #1",
        "12:10 entered dan tills #1",
        "12:30 left dan tills #1",
        "09:50 entered sue front #1",
        "11:10 left sue front #1",
        "11:20 entered sue tills #2",
        "12:30 left sue tills #2",
    ]
    assert rig.rows == {}


def test_it_tells_stays_about_every_five_minutes(whole_day: tuple[list[str], Rig]) -> None:
    told, _ = whole_day
    stays = [line for line in told if " dwelled cid " in line]
    assert [line[:5] for line in stays[:3]] == ["12:01", "12:06", "12:11"]
    assert len(stays) == 6


def test_it_counts_only_where_there_were_many(whole_day: tuple[list[str], Rig]) -> None:
    _, rig = whole_day
    (crowd,) = rig.counts  # a flood of addresses heard once each is nobody
    assert (crowd.zone, (crowd.window_start_ms - OPENING_MS) // 60_000, crowd.visitors) == ("front", 600, 7)


def test_it_writes_no_more_than_it_tells(whole_day: tuple[list[str], Rig]) -> None:
    _, rig = whole_day
    assert len(rig.written) <= len(rig.told)
    assert b"~" not in b"".join(row.value or b"" for row in rig.written)
