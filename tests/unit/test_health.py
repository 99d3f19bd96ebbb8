from edge_agent.clock import Clock, Moment, TimeQuality
from edge_agent.health import Condition, Health, Level


class Ticking(Clock):
    """A clock that goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.uptime_ms = 1_000

    def read_awake_ms(self) -> int:
        return self.uptime_ms

    def now(self) -> Moment:
        return Moment(1_795_000_000_000 + self.uptime_ms, self.uptime_ms, self.boot_id, TimeQuality.SYNCED)


MISSING = Condition("device_missing", Level.ACTION, "till: is it plugged in?")
REFUSED = Condition("refused", Level.ATTENTION)


def test_a_condition_is_news_once_and_its_cure_too() -> None:
    health = Health(Ticking())
    assert health.report("device/till", MISSING)
    assert not health.report("device/till", MISSING)
    assert not health.report("device/till", Condition("device_missing", Level.ACTION, "other words")), "the same code"
    assert health.conditions()[0].condition.detail == "other words"
    assert health.report("device/till", Condition("device_busy", Level.ACTION))
    assert health.report("device/till", None)
    assert not health.report("device/till", None)
    assert (health.conditions(), health.level()) == ([], Level.OK)


def test_a_condition_keeps_the_moment_it_began() -> None:
    clock = Ticking()
    health = Health(clock)
    health.report("device/till", MISSING)
    clock.uptime_ms += 5_000
    health.report("device/till", Condition("device_missing", Level.ACTION, "other words"))
    assert health.conditions()[0].since.uptime_ms == 1_000
    health.report("device/till", Condition("device_busy", Level.ACTION))
    assert health.conditions()[0].since.uptime_ms == 6_000
    assert health.conditions()[0].wrong_since.uptime_ms == 1_000
    health.report("device/till", None)
    health.report("device/till", MISSING)
    assert health.conditions()[0].wrong_since.uptime_ms == 6_000


def test_the_worst_comes_first_then_the_oldest() -> None:
    clock = Ticking()
    health = Health(clock)
    for part, condition in (("link", REFUSED), ("device/b", MISSING), ("device/a", MISSING)):
        health.report(part, condition)
        clock.uptime_ms += 1_000
    assert [reported.part for reported in health.conditions()] == ["device/b", "device/a", "link"]
    assert health.level() is Level.ACTION
    health.report("device/a", None)
    health.report("device/b", None)
    assert health.level() is Level.ATTENTION


def test_listeners_hear_of_changes_only_and_only_while_they_listen() -> None:
    health = Health(Ticking())
    heard: list[Level] = []
    with health.listening(lambda: heard.append(health.level())):
        health.report("link", REFUSED)
        health.report("link", REFUSED)
        health.report("link", None)
        health.report("link", None)
    health.report("link", REFUSED)
    assert heard == [Level.ATTENTION, Level.OK]


def test_a_part_that_breaks_its_promise_has_stalled_until_it_goes_on() -> None:
    clock = Ticking()
    health = Health(clock)
    assert health.stalled() == []
    health.progress("storage", within_ms=30_000)
    health.progress("sync", within_ms=60_000)
    clock.uptime_ms += 30_000
    assert health.stalled() == []
    clock.uptime_ms += 1
    assert health.stalled() == ["storage"]
    clock.uptime_ms += 30_000
    assert health.stalled() == ["storage", "sync"]
    health.progress("storage", within_ms=30_000)
    assert health.stalled() == ["sync"]


def test_listeners_hear_of_changes_and_of_news_while_they_listen() -> None:
    health = Health(Ticking())
    heard: list[str] = []
    with health.listening(lambda: heard.append("changed")):
        health.report("device/till", MISSING)
        health.report("device/till", MISSING)
        assert heard == ["changed"]
        health.news()
        health.report("device/till", None)
        assert heard == ["changed"] * 3
    health.news()
    assert heard == ["changed"] * 3
