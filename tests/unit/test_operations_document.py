"""docs/operations.md is true: its commands and options exist, its tables name every code, its settings are read."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

import edge_agent
from edge_agent import __main__ as agent
from edge_agent.config.agent import TrustSettings
from edge_agent.fleet import __main__ as fleet
from edge_agent.fleet.asking import arguments_of as given
from edge_agent.fleet.settings import FleetSettings
from edge_agent.health import Level
from edge_agent.page.pushes import _WHY
from edge_agent.remote.commands.catalogue import action_of, arguments_of

SOURCES = Path(edge_agent.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = (DOCS / "operations.md").read_text("utf-8")
PROGRAMS: dict[str, Any] = {
    "edge-agent": typer.main.get_command(agent.cli),
    "edge-fleet": typer.main.get_command(fleet.cli),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def typed() -> list[str]:
    """Return what is to be typed: the lines of blocks."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(tuple(PROGRAMS))]


def mentioned() -> list[str]:
    """Return the commands that sentences name, with or without what they take."""
    return re.findall(r"(?<!`)`((?:edge-agent|edge-fleet) [^`]+)`", DOCUMENT)


def wrong(line: str) -> str | None:
    """Return what is wrong with a command line; None: it can be typed like that."""
    program, *words = shlex.split(line, comments=True)
    command = PROGRAMS[program]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no {name}"
        command = command.commands[name]
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts) if name[:1] == "-"}
    places = [one for one in command.params if one.param_type_name == "argument"]
    needed = {one.name for one in command.params if one.required}
    while words:
        word, _, value = words.pop(0).partition("=")
        if word.startswith("-"):
            if word not in options:
                return f"{command.name} has no {word}"
            needed.discard(options[word].name)
            if not options[word].is_flag and not value and not words:
                return f"{word} needs a value"
            words = words if options[word].is_flag or value else words[1:]
        elif not places:
            return f"{command.name} does not take {word}"
        else:
            needed.discard(places[0].name)
            places = places if places[0].nargs == -1 else places[1:]
    return f"{command.name} needs {needed}" if needed else None


@pytest.mark.parametrize("line", sorted(set(typed())))
def test_what_is_to_be_typed_can_be(line: str) -> None:
    assert wrong(line) is None


@pytest.mark.parametrize("line", sorted(set(mentioned())))
def test_what_is_named_exists(line: str) -> None:
    assert wrong(line) is None or " needs " in str(wrong(line))


def test_what_cannot_be_typed_is_noticed() -> None:
    assert wrong("edge-agent status --config x --json") is None
    assert wrong("edge-agent stats") == "there is no stats"
    assert wrong("edge-agent status --jsn") == "status has no --jsn"
    assert wrong("edge-agent status till") == "status does not take till"
    assert wrong("edge-agent status --config") == "--config needs a value"
    assert wrong("edge-agent decode escpos") == "decode needs {'file'}"
    assert len(typed()) > 20


def test_its_commands_are_ones_that_boxes_take() -> None:
    asked = [shlex.split(line) for line in typed() if line.startswith("edge-fleet command ")]
    names = []
    for words in asked:
        at = 4 if words[2] == "--stores" else 3
        pairs = [word for word in words[at + 1 :] if "=" in word]
        arguments_of(action_of(words[at]), given(pairs))
        names.append(words[at])
    assert {"capture", "diagnostics", "show_message", "forget_member", "resend", "restart"} <= set(names)


def test_the_log_lines_it_explains_are_logged() -> None:
    table = DOCUMENT.partition("| in the log | means |")[2].partition("\n\n")[0]
    named = {
        name for cell in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    sources = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py"))
    phases = {name for name in named if name.startswith("config_")} - {"config_changed"}
    assert len(named) > 10
    assert [name for name in named - phases if f'"{name}"' not in sources] == []
    assert 'f"config_{word.phase}"' in sources
    assert phases <= {f"config_{phase}" for phase in ("staged", "trial", "committed", "rejected", "rolled_back")}


def answered() -> set[str]:
    """Return the codes with which the sources refuse a push or a command, or say that it failed."""
    sources = [path.read_text("utf-8") for room in ("remote", "contract") for path in (SOURCES / room).rglob("*.py")]
    return {code for text in sources for code in re.findall(r"""(?:Refused\(|\bcode=|Verdict\()"([a-z_]+)\"""", text)}


def test_every_code_and_every_level_is_explained() -> None:
    first_cells = {cell for row in re.findall(r"^\| (.+?) \|", DOCUMENT, re.MULTILINE) for cell in row.split(", ")}
    codes = answered() | _WHY.keys()
    assert {"boot_id_needed", "link_failed", "not_newer", "interrupted", "bad_arguments"} <= codes
    assert {f"`{code}`" for code in codes} - first_cells == set()
    assert {f"`{level.value}`" for level in Level} - first_cells == set()


def test_its_settings_are_read() -> None:
    trusted, operator = ([tomllib.loads(text) for text in blocks("toml") if key in text] for key in ("trust", "url"))
    for table in trusted:
        assert len(TrustSettings.model_validate(table["trust"]).keys) == 2
    for table in operator:
        assert table.keys() <= FleetSettings.model_fields.keys()
    assert (len(trusted), len(operator)) == (1, 1)


def test_what_it_links_to_is_there() -> None:
    for link, anchor in re.findall(r"\]\(([\w./-]+\.md)(?:#([\w-]+))?\)", DOCUMENT):
        page = DOCS / link
        assert page.is_file(), link
        headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, (link, anchor)
