"""The manager's code on disk."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge_agent import durable
from edge_agent.errors import StorageError
from edge_agent.page.manager import hashed


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hashed, "N", 2)
    path = tmp_path / "manager.json"
    hashed.write(path, hashed.hashed("271828"))
    return path


def test_a_code_is_kept_for_its_own_user_alone_and_never_as_it_is(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert b"271828" not in kept.read_bytes()
    found = hashed.read(kept)
    assert found is not None
    assert [found.matches(code) for code in ("271828", "271829", "")] == [True, False, False]
    assert [path.name for path in kept.parent.iterdir()] == ["manager.json"]


def test_the_same_code_is_hashed_with_another_salt_each_time(kept: Path) -> None:
    before = kept.read_bytes()
    hashed.write(kept, hashed.hashed("271828"))
    assert kept.read_bytes() != before


def test_a_code_that_was_looked_at_leaves_no_memory_behind() -> None:
    """Two threads, three blocks: glibc keeps smaller ones from the second on."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    before = resident()
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(hashed.hashed("271828").matches, ("271828", "314159"))) == [True, False]
        assert resident() - before < 8 * 2**20


def test_a_hash_made_with_other_parameters_still_opens(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashed, "N", 4)
    found = hashed.read(kept)
    assert found is not None
    assert found.matches("271828")


def spoilt(content: dict[str, Any]) -> list[bytes]:
    whole = json.dumps(content).encode()
    changed: list[dict[str, Any]] = [
        {"n": 3}, {"n": 2**40}, {"n": 2**17, "r": 16}, {"r": 0}, {"p": 10**6}, {"n": "2"},
        {"salt": ""}, {"hash": "QQ=="}, {"hash": None}, {"more": 1},
    ]  # fmt: skip
    return [b"", b"\0" * 200, whole[:-10], b"[]", b"\xff" * 50, b"[" * 5000] + [
        json.dumps(content | change).encode() for change in changed
    ]


def test_a_damaged_file_is_no_code_and_is_told(kept: Path) -> None:
    for damaged in spoilt(json.loads(kept.read_bytes())):
        kept.write_bytes(damaged)
        with capture_logs() as log:
            assert hashed.read(kept) is None, damaged
        assert [entry["event"] for entry in log] == ["manager_code_unreadable"], damaged


def test_no_file_is_no_code_and_nothing_to_tell(tmp_path: Path) -> None:
    with capture_logs() as log:
        assert hashed.read(tmp_path / "manager.json") is None
    assert log == []


def test_what_is_no_file_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "manager.json").mkdir()
    assert hashed.read(tmp_path / "manager.json") is None


def test_one_that_cannot_be_written_leaves_the_earlier_one(kept: Path) -> None:
    before = kept.read_bytes()
    kept.with_name(f"{kept.name}{durable.ASIDE}").mkdir()
    with pytest.raises(StorageError, match="make room"):
        hashed.write(kept, hashed.hashed("314159"))
    assert kept.read_bytes() == before


def test_a_link_in_the_place_of_the_new_file_is_not_followed(kept: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    kept.with_name(f"{kept.name}{durable.ASIDE}").symlink_to(victim)
    hashed.write(kept, hashed.hashed("314159"))
    assert victim.read_text() == "mine"
    assert not kept.is_symlink()
