"""The shelf of pushed configs: nothing on it is half, and one bad sector forgets nothing."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge_agent.config.shelf import Line, Shelf, Trial
from edge_agent.contract.remote import ConfigId
from edge_agent.errors import StorageError

PAYLOADS = [f'{{"number": {number}}}'.encode() for number in range(5)]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "state" / "config")


def kept(shelf: Shelf, number: int) -> ConfigId:
    return ConfigId(number, shelf.keep(PAYLOADS[number]))


def full_line(shelf: Shelf) -> Line:
    one, two, three = (kept(shelf, number) for number in (1, 2, 3))
    return Line(
        version=3, sha256=three.sha256, key_id="ops-1", phase="trial", code="crashed", detail="收银机", at="2026-11-22",
        committed=(two, one), trial=Trial(three, "boot", "2026-11-22"), event_id="e",
    )  # fmt: skip


def files(shelf: Shelf) -> list[str]:
    return sorted(path.name for path in shelf.folder.iterdir())


def test_nothing_was_ever_pushed(shelf: Shelf) -> None:
    assert shelf.line() == Line()
    assert not shelf.damaged()
    assert not shelf.folder.exists()


def test_what_is_written_is_read_by_another_process_for_this_user_only(shelf: Shelf) -> None:
    line = full_line(shelf)
    shelf.write(line)

    assert Shelf(shelf.folder).line() == line
    assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in shelf.folder.iterdir()} == {0o600}


def test_a_payload_has_its_exact_bytes_or_is_none(shelf: Shelf) -> None:
    payload = b'{"a" :\t1}\r\n\xff'
    sha256 = shelf.keep(payload)
    file = shelf.folder / f"{sha256}.json"

    assert sha256 == hashlib.sha256(payload).hexdigest()
    assert shelf.payload(sha256) == payload
    for damaged in (payload[:-1], payload + b" ", bytes([payload[0] ^ 1]) + payload[1:], b""):
        file.write_bytes(damaged)
        assert shelf.payload(sha256) is None
    assert shelf.payload("0" * 64) is None
    assert shelf.payload("../line") is None


def test_only_what_the_line_names_is_kept_and_two_committed_ones_at_most(shelf: Shelf) -> None:
    ids = [kept(shelf, number) for number in range(5)]
    (shelf.folder / "line.json.new").write_bytes(b"half")

    shelf.write(Line(version=4, sha256=ids[4].sha256, committed=(ids[3], ids[2], ids[1]), trial=Trial(ids[4], "b", "")))

    assert shelf.line().committed == (ids[3], ids[2])
    assert files(shelf) == sorted(["line.bak", "line.json", *(f"{one.sha256}.json" for one in ids[2:])])


@pytest.mark.parametrize(("name", "every"), [("line.json", 1), ("line.bak", 10)])  # the second one is read no more
def test_every_truncation_and_every_flipped_byte_of_one_copy_loses_nothing(shelf: Shelf, name: str, every: int) -> None:
    line = full_line(shelf)
    shelf.write(line)
    file = shelf.folder / name
    whole = file.read_bytes()
    damages = [whole[:length] for length in range(len(whole))]
    damages += [whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :] for at in range(len(whole))]
    damages += [whole.replace(whole[:1], b"\0"), bytes(len(whole)), b"[" * 100_000, whole * 2]

    for damaged in damages[::every]:
        file.write_bytes(damaged)
        assert shelf.line() == line, damaged
        assert not shelf.damaged()
    file.unlink()
    assert shelf.line() == line


def test_a_damaged_copy_is_set_aside_and_the_next_line_lies_there_twice_again(shelf: Shelf) -> None:
    line = full_line(shelf)
    shelf.write(line)
    (shelf.folder / "line.json").write_bytes(b"damaged")

    with capture_logs() as logs:
        shelf.write(line)

    assert [entry["event"] for entry in logs] == ["config_line_damaged"]
    assert (shelf.folder / "line.json.damaged").read_bytes() == b"damaged"
    (shelf.folder / "line.bak").unlink()
    assert shelf.line() == line


def test_where_both_copies_are_damaged_the_line_is_fresh_and_it_is_told(shelf: Shelf) -> None:
    shelf.write(full_line(shelf))
    for name in ("line.json", "line.bak"):
        (shelf.folder / name).write_bytes(b'{"sha256": "", "line": {}}')

    assert shelf.line() == Line()
    assert shelf.damaged()


def test_killed_at_any_operation_the_line_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.support.shelf_killed", str(tmp_path / "config")],
        cwd=ROOT, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    ends = [json.loads(row) for row in run.stdout.splitlines()]

    assert all(end["held"] and not end["damaged"] for end in ends)
    versions = [end["version"] for end in ends]
    assert versions == sorted(versions)  # from some operation on it is the new one
    assert set(versions) == {1, 2}
    assert [end["killed"] for end in ends] == [True] * (len(ends) - 1) + [False]
    assert len(ends) > 8  # else the operations were not seen


def test_power_cuts_each_file_is_on_disk_before_it_has_its_name_and_its_name_before_the_next(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []
    rename, fsync, unlink = Path.rename, os.fsync, Path.unlink

    def name_of(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        done.append(("fsync", name_of(descriptor)))

    def renamed(path: Path, target: Path) -> Path:
        done.append(("rename", path.name))
        return rename(path, target)

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        done.append(("unlink", path.name))
        unlink(path, missing_ok)

    shelf.write(Line(version=1, sha256=shelf.keep(PAYLOADS[0])))
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(Path, "unlink", unlinked)
    sha256 = shelf.keep(PAYLOADS[1])
    shelf.write(Line(version=2, sha256=sha256))

    def aside(name: str) -> tuple[str, str]:
        return "fsync", f"{name}.new"

    def in_place(name: str) -> list[tuple[str, str]]:
        return [("rename", f"{name}.new"), ("fsync", "config")]

    payload = f"{sha256}.json"
    expected = [
        *(aside(payload), *in_place(payload)),
        *(aside("line.json"), aside("line.bak"), *in_place("line.json"), *in_place("line.bak")),
    ]
    assert done == [*expected, ("unlink", f"{hashlib.sha256(PAYLOADS[0]).hexdigest()}.json")]


def test_a_folder_that_cannot_be_made_or_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    shelf = Shelf(tmp_path / "file" / "config")

    with pytest.raises(StorageError, match="Not a directory; make it writable for the agent's user"):
        shelf.keep(b"{}")
    with pytest.raises(StorageError, match="free some space"):
        shelf.write(Line())
    assert shelf.line() == Line()


@pytest.mark.parametrize("room_for", [0, 1])
def test_a_full_disk_leaves_the_old_line_and_nothing_of_the_new_one(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, room_for: int
) -> None:
    line = full_line(shelf)
    shelf.write(line)
    lies = files(shelf)
    fsync, left = os.fsync, room_for

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        shelf.write(Line(version=4))
    assert Shelf(shelf.folder).line() == line, "also where there was room for one copy"

    left = 0
    with pytest.raises(StorageError, match="No space left on device"):
        shelf.keep(PAYLOADS[4])
    assert set(files(shelf)) <= {*lies, "line.json.new"}, "a payload has a megabyte, and the room is for orders"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_is_told_who_may_read_it(shelf: Shelf) -> None:
    shelf.write(Line(version=1))
    os.seteuid(65534)
    try:
        with pytest.raises(StorageError, match="run as the agent's user"):
            shelf.line()
    finally:
        os.seteuid(0)
