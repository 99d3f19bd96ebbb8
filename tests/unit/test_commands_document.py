"""docs/commands.md is true: every name, argument and code has its place there, and its figures are the code's."""

import re
from pathlib import Path

import msgspec
import pytest

from edge_agent import log
from edge_agent.remote.commands import acting, admitting, answers, box_log, devices, ledger, running
from edge_agent.remote.commands.catalogue import ACTIONS, LATER

DOCUMENT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
SOURCES = Path(acting.__file__).parent
ROWS = {
    name: row
    for row in re.findall(r"^\| `.*$", DOCUMENT, re.MULTILINE)
    for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])
}


@pytest.mark.parametrize("name", [*ACTIONS, *LATER])
def test_every_command_has_its_row_with_its_arguments(name: str) -> None:
    row = ROWS[name]
    if name in LATER:
        assert "not_supported" in row
        return
    _, _, arguments, _, repeatable, _ = row.split("|")
    for field in msgspec.structs.fields(ACTIONS[name].arguments):
        assert f"`{field.name}`" in arguments
    assert repeatable.strip() == ("yes" if ACTIONS[name].repeatable else "no")


def test_every_code_is_named() -> None:
    named = set(re.findall(r"[a-z_]+", DOCUMENT))
    raised = {
        code
        for path in SOURCES.glob("*.py")
        for code in re.findall(r'(?:Refused\(|code=)"([a-z_]+)"', path.read_text("utf-8"))
    }
    assert len(raised) > 10
    assert raised - named == set()


@pytest.mark.parametrize(
    ("said", "figure"),
    [
        (r"more than (\d+) days ahead", admitting.AHEAD.days),
        (r"one after another, (\d+) s each", running.SHORT_S),
        (r"\. (\d+) may wait", running.WAITING),
        (r"\| ([\d,]+), each at least as long", ledger.ENTRIES),
        (r"\| (\d+) KiB of them, compressed", ledger.RESULTS_BYTES / 1024),
        (r"\| (\d+) KiB; what is larger is a file", acting.REPLY_BYTES / 1024),
        (r"larger than (\d+) KiB, `config` is null", acting.REPLY_BYTES / 1024),
        (r"keeps ([\d,]+) lines", log.RECENT_LINES),
        (r"lines or (\d+) KiB", log.RECENT_BYTES / 1024),
        (r"an answer has (\d+) KiB", box_log.LINES_BYTES / 1024),
        (r"`limit` \((\d+)", box_log.LIMIT),
        (r"`seconds` \(([\d,]+); at most a day\)", box_log.HOUR_S),
        (r"up to (\d+) lines of 40", devices.ROWS),
        (r"4 lines of (\d+) printable", devices.COLUMNS),
        (r"`seconds` \(\d+; at most ([\d,]+)\)", devices.LONGEST_S),
        (r"`seconds` \(([\d,]+); at most [\d,]+\)", devices.SHOWN_S),
    ],
)
def test_figures_are_the_codes(said: str, figure: float) -> None:
    (found,) = re.findall(said, DOCUMENT)
    assert float(found.replace(",", "")) == figure


def test_figures_in_words_are_too() -> None:
    assert "two at a time" in DOCUMENT
    assert running.LONG == 2
    assert "six times a minute" in DOCUMENT
    assert (answers.STRANGERS, answers.STRANGERS_IN_S) == (6, 60)
    for name in ("capture", "diagnostics", "forget_member"):
        assert ACTIONS[name].long
    assert sum(action.long for action in ACTIONS.values()) == 3
