"""docs/fleet.md says what there is."""

import re
from pathlib import Path
from typing import get_args

import typer.main

from edge_agent.contract.topics import Topics
from edge_agent.fleet.__main__ import cli
from edge_agent.fleet.progress import Standing
from edge_agent.fleet.store_file import filled, load

TEXT = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text()


def test_every_option_it_names_is_one() -> None:
    group = typer.main.get_group(cli)
    options = [one for command in [group, *group.commands.values()] for one in command.params]
    found = {name for one in options for name in [*one.opts, *one.secondary_opts]}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    assert len(named) > 10
    assert named - found == set()


def test_every_way_a_push_can_stand_is_in_its_table() -> None:
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    told = {word for row in rows for word in re.findall(r"`([a-z ]+)`", row)}
    assert {one.replace("_", " ") for one in get_args(Standing)} - {"running"} <= told


def test_its_example_is_filled_in(tmp_path: Path) -> None:
    section = TEXT[TEXT.index("\n## Pushing a config\n") :]
    toml, csv = (re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL) for kind in ("toml", "csv"))
    assert toml
    assert csv
    head = '[store]\nname = "店"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n[[touchpoint]]\nid = "till-1"\n'
    (tmp_path / "store.toml").write_text(head + toml[1])
    (tmp_path / "values.csv").write_text(csv[1])
    agents = [Topics("acme", store, "pc-1") for store in ("sh-0001", "sh-0002")]
    tables = filled(load(tmp_path / "store.toml", tmp_path / "values.csv"), agents)
    assert [tables[agent]["device"][0]["baudrate"] for agent in agents] == [9600, 19200]
