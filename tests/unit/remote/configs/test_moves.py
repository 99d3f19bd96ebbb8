"""The moves of the line: what is kept of it through each phase, and what a process has died of."""

from edge_agent.config.shelf import Line
from edge_agent.contract.remote import ConfigId
from edge_agent.remote.configs import moves

OLD = ConfigId(4, "old")
FIVE, SIX = ConfigId(5, "five"), ConfigId(6, "six")
COMMITTED = Line(version=4, sha256="old", key_id="a", phase="committed", at="t0", committed=(OLD,), event_id="e4")


def on_trial() -> Line:
    return moves.begun(moves.staged(moves.taken(COMMITTED, FIVE, "ops-1", "t1"), "t2"), "boot", "t3")


def test_the_last_known_good_stays_until_the_next_one_has_shown_itself() -> None:
    line = on_trial()
    assert (line.version, line.key_id, line.phase, line.committed, line.event_id) == (5, "ops-1", "trial", (OLD,), None)
    assert line.trial is not None
    assert (line.trial.config, line.trial.boot_id, line.trial.at) == (FIVE, "boot", "t3")
    back = moves.decided(line, "rolled_back", "e5", "t4", "device_failed", "till-1: missing")
    assert (back.version, back.committed, back.trial, back.code) == (5, (OLD,), None, "device_failed")
    good = moves.committed(line, "e5", "t4")
    assert (good.phase, good.code, good.committed, good.trial) == ("committed", None, (FIVE, OLD), None)


def test_what_takes_the_line_leaves_nothing_of_the_last_push_but_what_is_good() -> None:
    failed = moves.decided(on_trial(), "rolled_back", "e5", "t4", "hung", "somewhere")
    line = moves.taken(failed, SIX, "ops-2", "t5")
    assert line == Line(version=6, sha256="six", key_id="ops-2", phase="verified", at="t5", committed=(OLD,), tries=1)


def test_tries_are_counted_for_one_push_and_until_it_is_valid() -> None:
    line = moves.taken(COMMITTED, FIVE, "ops-1", "t1")
    again = moves.taken(line, FIVE, "ops-1", "t2")
    assert (line.tries, again.tries, moves.taken(again, SIX, "ops-1", "t3").tries) == (1, 2, 1)
    assert moves.staged(again, "t3").tries == 0
    assert moves.postponed(again).tries == 0


def test_a_trial_that_is_postponed_is_staged_again() -> None:
    line = moves.postponed(on_trial())
    assert (line.phase, line.trial, line.version) == ("staged", None, 5)
    assert moves.postponed(COMMITTED) == COMMITTED


def test_what_a_process_died_of() -> None:
    checked = moves.taken(COMMITTED, FIVE, "ops-1", "t1")
    assert moves.death(COMMITTED, None) is None
    assert moves.death(COMMITTED, "hung in x") is None  # while it went back to what was good
    assert moves.death(checked, None) is None
    assert moves.death(moves.staged(checked, "t2"), "hung in x") is None
    assert moves.death(checked, "hung in x") == ("hung", "hung in x")
    assert moves.death(on_trial(), "hung in x") == ("hung", "hung in x")
    assert (moves.death(on_trial(), None) or [""])[0] == "crashed"
    for _ in range(moves.TRIES - 1):
        checked = moves.taken(checked, FIVE, "ops-1", "t1")
    assert (moves.death(checked, None) or [""])[0] == "crashed"
