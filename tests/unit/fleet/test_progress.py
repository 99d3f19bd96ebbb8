from dataclasses import replace
from typing import Any

import pytest

from edge_agent.contract.messages import State
from edge_agent.contract.remote import ConfigId, Desired, Reported
from edge_agent.contract.topics import Topics
from edge_agent.fleet import progress
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.health import Health
from edge_agent.fleet.progress import Progress

OLD, PUSH = ConfigId(1, "11"), ConfigId(2, "22")
TRIAL_S, PATIENCE_S = 60, 100.0


def agent(standing: str = "online", phase: str | None = None, level: str = "ok", **fields: Any) -> Agent:
    running = PUSH if phase == "committed" else OLD
    reported = Reported(running=running, last_known_good=running, **fields)
    if phase:
        reported = Reported(running=running, last_known_good=running, desired=Desired(2), phase=phase, **fields)
    state = State(state=standing, boot_id="b", epoch="e", version="1", since="")
    return Agent(Topics("acme", "sh-1", "pc-1"), state, Health(level=level, steps=["换纸"]), reported=reported)


def course(*seen: tuple[int, Agent], before: Agent | None = None) -> Progress:
    """Return how things stand after an agent was seen so, at those seconds since the push."""
    now = progress.begun(PUSH, before or agent(), 0)
    for at_s, known in seen:
        now = progress.observed(now, known, at_s * 1000, TRIAL_S, PATIENCE_S)
    return now


def test_it_goes_its_way() -> None:
    assert course((1, agent())).status == "pending"
    assert course((1, agent(phase="trial"))).status == "running"
    done = course((1, agent(phase="trial")), (61, agent(phase="committed")), (90, agent(phase="committed")))
    assert (done.status, done.since_ms, done.settled, done.failed) == ("committed", 61_000, True, False)


def test_a_box_that_believes_nothing_of_it_has_refused_it() -> None:
    def refused(at: str) -> Agent:
        said = Reported(
            running=OLD, last_known_good=OLD, desired=Desired(None), phase="rejected", code="unknown_key", at=at
        )
        return replace(agent(), reported=said)

    assert course((1, refused("10:00"))).code == "unknown_key"
    assert course((1, refused("10:00")), before=refused("09:00")).status == "rejected"
    assert course((1, refused("09:00")), before=refused("09:00")).status == "pending"


@pytest.mark.parametrize("phase", ["rejected", "rolled_back"])
def test_it_was_not_kept(phase: str) -> None:
    now = course((1, agent(phase=phase, code="device_failed", detail="till-1-printer")))
    assert (now.status, now.failed, now.code, now.detail) == (phase, True, "device_failed", "till-1-printer")


def test_who_is_away_when_it_is_pushed_is_pending_however_long() -> None:
    away = agent("lost")
    now = course((1, away), (100_000, away), before=away)
    assert (now.status, now.is_pending_offline, now.failed) == ("pending", True, False)
    assert not now.is_ailing


def test_who_comes_back_is_given_its_time_from_then_on() -> None:
    away = agent("lost")
    now = course((1, away), (5000, agent()), (5099, agent()), before=away)
    assert (now.status, now.is_pending_offline) == ("pending", False)
    assert course((1, away), (5000, agent()), (5101, agent()), before=away).status == "silent"


def test_a_trial_may_take_its_time_and_no_longer() -> None:
    trial = agent(phase="trial")
    assert course((1, trial), (160, trial)).status == "running"
    assert course((1, trial), (162, trial)).status == "silent"


@pytest.mark.parametrize("phase", [None, "trial", "committed"])
def test_who_is_lost_with_it_has_failed(phase: str | None) -> None:
    lost = agent("lost", phase)
    short = course((1, agent(phase=phase)), (10, lost), (110, lost))
    assert not short.failed
    assert short.is_ailing
    assert course((1, agent(phase=phase)), (10, lost), (111, lost)).status == "lost"


def test_a_lost_connection_that_comes_back_is_no_failure() -> None:
    committed = agent(phase="committed")
    now = course((1, committed), (10, agent("lost", "committed")), (100, committed), (1000, committed))
    assert (now.status, now.is_ailing) == ("committed", False)


def test_a_box_that_is_switched_off_has_not_failed() -> None:
    off = agent("stopping", "committed")
    now = course((1, agent(phase="committed")), (10, off), (10_000, off))
    assert (now.status, now.is_ailing) == ("committed", False)


def test_who_needs_action_now_and_did_not_before_got_worse() -> None:
    worse = agent(phase="committed", level="action")
    assert course((1, worse), (100, worse)).is_ailing
    now = course((1, worse), (102, worse))
    assert (now.status, now.failed, now.detail) == ("worse", True, "换纸")


def test_who_needed_action_before_did_not_get_worse() -> None:
    worse = agent(phase="committed", level="action")
    assert course((1, worse), (1000, worse), before=agent(level="action")).status == "committed"


def test_who_got_well_again_in_time_is_well() -> None:
    worse = agent(phase="committed", level="action")
    assert course((1, worse), (50, agent(phase="committed")), (120, worse), (150, worse)).status == "committed"


def test_a_failure_stays_one() -> None:
    now = course((1, agent(phase="rolled_back", code="hung")), (2, agent(phase="committed")))
    assert now.status == "rolled_back"
