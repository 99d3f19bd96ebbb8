import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.contract.remote import ConfigId
from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet.progress import Progress
from edge_agent.fleet.rollouts import book
from edge_agent.fleet.rollouts.book import Member, Rollout, Rules

RULES = Rules(rings="1,100%", max_fail="2%", min_online="50%", soak_s=1.5, trial_s=2, expires_s=60, patience_s=3)
ROLLOUT = Rollout("20261123-0001", "acme", "/store.toml", "ab", RULES, "running", 0, "", "2026-11-23T00:00:00+00:00")
FIRST, SECOND = (Member(Topics("acme", f"sh-{number}", "pc-1"), number) for number in (0, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state" / "rollouts.db"
    with book.opened(file) as kept:
        kept.begin(ROLLOUT, [FIRST, SECOND], {FIRST.topics: {"a": 1}, SECOND.topics: {"a": 2}})
    return file


def test_what_is_written_is_there_for_the_next_process(file: Path) -> None:
    progress = Progress(ConfigId(7, "77"), "committed", 12, level="ok", online_ms=3)
    pushed = replace(FIRST, progress=progress, envelope=b"\0new", before=b"\xffold")
    with book.opened(file) as kept:
        kept.keep(ROLLOUT.id, [pushed])
        kept.enter(ROLLOUT.id, 1)
    with book.opened(file) as kept:
        assert kept.rollout(ROLLOUT.id) == replace(ROLLOUT, ring=1)
        assert kept.members(ROLLOUT) == [pushed, SECOND]
        assert kept.config(ROLLOUT.id, SECOND.topics) == {"a": 2}


def test_it_turns_from_the_states_it_may_turn_from_only(file: Path) -> None:
    with book.opened(file) as here, book.opened(file) as there:
        assert there.turn(ROLLOUT.id, "paused", of=("running",))
        assert not here.turn(ROLLOUT.id, "paused", of=("running",))
        assert here.turn(ROLLOUT.id, "aborting", "by an operator", of=("running", "paused"))
        assert (there.rollout(ROLLOUT.id).state, there.rollout(ROLLOUT.id).detail) == ("aborting", "by an operator")


def test_one_process_drives_a_rollout(file: Path) -> None:
    with book.opened(file) as here, book.opened(file) as there:
        with here.driving(ROLLOUT.id) as first, there.driving(ROLLOUT.id) as second, there.driving("other") as other:
            assert (first, second, other) == (True, False, True)
        with there.driving(ROLLOUT.id) as second:
            assert second


def test_a_file_that_is_no_book_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but somebody's notes" * 50)
    with pytest.raises(ConfigError, match=r"notes.txt: cannot be used"), book.opened(file):
        pass
    assert file.read_text().startswith("not a database")


def test_a_book_of_a_newer_edge_fleet_is_refused(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="newer edge-fleet"), book.opened(file):
        pass


def test_a_place_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be used"), book.opened(tmp_path / "file" / "rollouts.db"):
        pass


def test_an_id_nobody_knows_is_told(file: Path) -> None:
    with book.opened(file) as kept, pytest.raises(ConfigError, match="there is no rollout x"):
        kept.rollout("x")
