"""docs/remote.md is true: every code of the contract has its place there, and its figures are the code's."""

import re
from pathlib import Path

import pytest

from edge_agent.config import shelf
from edge_agent.contract import remote
from edge_agent.page.pushes import _WHY
from edge_agent.remote.configs import checking, configs, hang, moves, trial, way, worse

DOCUMENT = (Path(__file__).parents[2] / "docs" / "remote.md").read_text("utf-8")


def test_every_code_and_phase_has_its_place() -> None:
    named = set(re.findall(r"[a-z_]+", DOCUMENT))
    phases = {"received", "verified", "staged", "trial", "committed", "rejected", "rolled_back"}
    assert (_WHY.keys() | phases) - named == set()


@pytest.mark.parametrize(
    ("said", "figure"),
    [
        (r"(\d+) s in a row; at the end", worse.GRACE_S),
        (r"(\d+) came and none could be read", worse.UNREAD),
        (r"the last (\d+) s of it", trial.LINK_S),
        (r"does not take one row when it is to be committed \| (\d+) s", way.COMMIT_S),
        (r"a third of the trial, (\d+) to", hang.SHORTEST_S),
        (r"a third of the trial, 5 to (\d+) s", hang.LONGEST_S),
        (r"At most (\d+) envelopes wait", configs.INBOX),
        (r"(\d+) unless said", remote.TRIAL_SECONDS),
        (r"as far as ([\d,]+) characters", checking.DETAIL_CHARS),
    ],
)
def test_figures_are_the_codes(said: str, figure: float) -> None:
    (found,) = re.findall(said, DOCUMENT)
    assert float(found.replace(",", "")) == figure


@pytest.mark.parametrize(
    ("said", "figure", "expected"),
    [
        ("after three such deaths", moves.TRIES, 3),
        ("Two committed configs are kept", shelf.KEPT, 2),
        ("four times a second", 1 / configs.TICK_S, 4),
        ("of a flood one a second", configs.REFUSALS_MS / configs.REFUSALS, 1_000),
    ],
)
def test_figures_in_words_are_too(said: str, figure: float, expected: float) -> None:
    assert said in DOCUMENT
    assert figure == expected


def test_what_it_links_to_is_there() -> None:
    folder = Path(__file__).parents[2] / "docs"
    for link in re.findall(r"\]\(([\w-]+\.md)", DOCUMENT):
        if link not in {"operations.md", "commands.md"}:
            assert (folder / link).is_file(), link
