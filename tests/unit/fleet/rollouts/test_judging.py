import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.remote import ConfigId
from edge_agent.contract.topics import Topics
from edge_agent.fleet.progress import Progress, Standing
from edge_agent.fleet.rollouts.book import Member, Rules
from edge_agent.fleet.rollouts.judging import Done, Enter, Push, Stop, Wait, decide, failed
from edge_agent.fleet.rollouts.rings import assign, parse, percent

RULES = Rules(rings="1,100%", max_fail="10%", min_online="50%", soak_s=60, trial_s=10, expires_s=1000, patience_s=100)
NOW_MS = 1_000_000


def member(ring: int, status: Standing | None = None, number: int = 0, **fields: Any) -> Member:
    """Return a member of a ring; committed long ago, and online, where nothing else is said."""
    topics = Topics("acme", f"sh-{ring}-{number}", "pc-1")
    if status is None:
        return Member(topics, ring)
    return Member(topics, ring, progress=Progress(ConfigId(1, "11"), status, 0, **{"online_ms": 0, **fields}))


def offline(ring: int, number: int = 0) -> Member:
    return member(ring, "pending", number, online_ms=None)


def test_a_ring_that_has_not_had_its_turn_is_pushed() -> None:
    first, second = member(0), member(1)
    assert decide([first, second], 0, RULES, NOW_MS) == Push((first,))


def test_on_to_the_next_when_all_have_kept_it_and_soaked() -> None:
    members = [member(0, "committed"), member(1)]
    assert decide(members, 0, RULES, 59_999) == Wait("soaking", 60_000)
    assert decide(members, 0, RULES, 60_000) == Enter(1)
    assert decide([member(0, "committed"), member(1, "committed")], 1, RULES, NOW_MS) == Done()


def test_nobody_is_hurried() -> None:
    members = [member(0, "committed"), member(0, "running", 1), member(1)]
    assert decide(members, 0, RULES, NOW_MS) == Wait("waiting for those on their way")


def test_one_failure_in_a_ring_of_one_stops_whatever_may_fail() -> None:
    rules = replace_rules(max_fail="100%")
    assert isinstance(decide([member(0, "rolled_back"), member(1)], 0, rules, NOW_MS), Stop)


def test_too_many_failures_stop_even_before_the_others_have_answered() -> None:
    members = [member(0, "running", number) for number in range(8)] + [member(0, "rejected", 8), member(1)]
    assert decide(members, 0, RULES, NOW_MS) == Stop("1 of 9 failed, more than 10%")
    members = [member(0, "committed", 9), *members]
    assert decide(members, 0, RULES, NOW_MS) == Wait("waiting for those on their way")


def test_stores_that_are_away_dilute_nothing() -> None:
    members = [member(0, "lost"), member(0, "committed", 1), *(offline(0, number) for number in range(2, 50))]
    assert decide(members, 0, RULES, NOW_MS) == Stop("1 of 2 failed, more than 10%")


def test_a_failure_in_a_ring_before_counts_too() -> None:
    members = [member(0, "worse"), member(1, "committed", 1), member(2)]
    assert isinstance(decide(members, 1, RULES, NOW_MS), Stop)


def test_a_ring_of_which_too_few_are_there_waits() -> None:
    away = [offline(0, number) for number in range(3)]
    members = [*away, member(0, "committed", 3), member(1)]
    assert decide(members, 0, RULES, NOW_MS) == Wait("1 of 4 have answered, 2 must; the others are offline")
    members = [member(0, "committed", 4), *members[1:]]
    assert decide(members, 0, RULES, NOW_MS) == Enter(1)
    nobody = [offline(0), member(1)]
    assert isinstance(decide(nobody, 0, replace_rules(min_online="0%"), NOW_MS), Wait)


def test_who_ran_it_before_is_no_canary() -> None:
    same = Member(Topics("acme", "same", "pc-1"), 0, is_unchanged=True)
    assert isinstance(decide([same, offline(0), member(1)], 0, RULES, NOW_MS), Wait)


def test_who_was_given_something_newer_is_no_member() -> None:
    assert decide([member(0, "superseded"), member(0, "committed", 1), member(1)], 0, RULES, NOW_MS) == Enter(1)
    assert decide([member(0, "superseded"), member(1)], 0, RULES, NOW_MS) == Enter(1)


@pytest.mark.parametrize("ill", [{"worse_ms": 1}, {"gone_ms": 1, "is_lost": True}])
def test_while_anybody_may_yet_fail_nobody_else_is_pushed(ill: dict[str, Any]) -> None:
    members = [member(0, "committed", **ill), member(1, "committed", 1), member(2)]
    assert isinstance(decide(members, 1, RULES, NOW_MS), Wait)


def replace_rules(**fields: Any) -> Rules:
    return Rules(**{field: fields.get(field, getattr(RULES, field)) for field in RULES.__struct_fields__})


FATES: list[Standing] = [
    "committed",
    "committed",
    "committed",
    "rolled_back",
    "rejected",
    "lost",
    "superseded",
    "pending",
]


@given(st.integers(1, 120), st.integers(0, 2**32), st.sampled_from(["0%", "2%", "10%", "50%"]), st.floats(0, 1))
def test_nobody_is_pushed_once_more_have_failed_than_may(total: int, seed: int, max_fail: str, badness: float) -> None:
    """Any course of a rollout, in which answers come one by one in any order."""
    rng = random.Random(seed)
    rules = replace_rules(max_fail=max_fail, rings="1,5%,25%,100%", soak_s=0)
    agents = [Topics("acme", f"sh-{number}", "pc-1") for number in range(total)]
    placed = assign(agents, parse(rules.rings), str(seed), set(agents))
    members = {topics: Member(topics, ring) for topics, ring in placed.items()}
    ring = 0
    for _ in range(10 * total):
        match decide(list(members.values()), ring, rules, NOW_MS):
            case Push(chosen):
                bad = failed(list(members.values()))
                took = [
                    one
                    for one in members.values()
                    if one.progress and one.progress.status not in {"superseded", "pending"}
                ]
                assert not bad or Fraction(len(bad), len(took)) <= percent(max_fail, "")
                assert all(one.ring == ring and members[one.topics].progress is None for one in chosen)
                for one in chosen:
                    begun = Progress(ConfigId(1, "11"), "running", 0, online_ms=0)
                    members[one.topics] = replace(one, progress=begun)
            case Enter(following):
                assert following == ring + 1
                ring = following
            case Wait():
                under_way = [one for one in members.values() if one.progress and one.progress.status == "running"]
                if not under_way:
                    return  # too many are away, or nobody kept it
                one = rng.choice(under_way)
                fate = rng.choice(FATES) if rng.random() < badness else "committed"
                assert one.progress
                online_ms = None if fate == "pending" else one.progress.online_ms
                members[one.topics] = replace(one, progress=replace(one.progress, status=fate, online_ms=online_ms))
            case Stop():
                assert failed(list(members.values()))
                return
            case Done():
                assert all(one.progress for one in members.values())
                return
    raise AssertionError("it came to no end")
