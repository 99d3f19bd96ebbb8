import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet.rollouts.rings import assign, parse, percent


def chain(count: int) -> list[Topics]:
    return [Topics("acme", f"sh-{number:04}", "pc-1") for number in range(count)]


@st.composite
def texts(draw: st.DrawFn) -> str:
    counts = sorted(draw(st.sets(st.integers(1, 40), max_size=3)))
    shares = sorted(draw(st.sets(st.integers(1, 99), max_size=3)))
    return ",".join([*map(str, counts), *(f"{share}%" for share in shares), "100%"])


@given(texts(), st.integers(1, 300), st.text("0123456789abcdef", min_size=4, max_size=4), st.data())
def test_everyone_is_in_one_ring_and_rings_are_as_large_as_they_say(
    text: str, total: int, seed: str, data: st.DataObject
) -> None:
    agents, rings = chain(total), parse(text)
    online = set(data.draw(st.lists(st.sampled_from(agents))))
    placed = assign(agents, rings, seed, online)
    assert set(placed) == set(agents)
    sizes = Counter(placed.values())
    assert sorted(sizes) == list(range(len(sizes)))
    assert list(placed.values()) == sorted(placed.values())
    cumulative = [sum(sizes[ring] for ring in range(number + 1)) for number in range(len(sizes))]
    wanted: list[int] = []
    for ring in rings:  # a ring that adds nobody is left out
        wanted += [max(ring.of(total), *wanted)] if wanted else [ring.of(total)]
    assert cumulative == list(dict.fromkeys(wanted))
    canaries = {agent for agent, ring in placed.items() if ring == 0}
    assert canaries <= online or online <= canaries
    assert assign(reversed(agents), rings, seed, online) == placed


def test_rings_are_no_alphabet() -> None:
    agents = chain(100)
    orders = {tuple(assign(agents, parse("1,100%"), f"seed {number}", set(agents))) for number in range(20)}
    assert len(orders) == 20
    assert tuple(agents) not in orders


def test_the_usual_rings_of_a_hundred() -> None:
    sizes = Counter(assign(chain(100), parse("1,5%,25%,100%"), "x", set()).values())
    assert sizes == {0: 1, 1: 4, 2: 20, 3: 75}


def test_three_stores_are_three_rings_at_most() -> None:
    sizes = Counter(assign(chain(3), parse("1,5%,25%,100%"), "x", set()).values())
    assert sizes == {0: 1, 1: 2}


@pytest.mark.parametrize(
    "text", ["", "1", "5%", "100%,5%,100%", "2,1,100%", "1,1,100%", "0,100%", "0%,100%", "101%", "1,,100%", "half,100%"]
)
def test_rings_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--rings"):
        parse(text)


@pytest.mark.parametrize("text", ["2", "-1%", "101%", "2 %", "zwei%", ""])
def test_a_share_is_said_in_percent(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--max-fail {text}: must be 0% to 100%")):
        percent(text, "--max-fail")
