"""A file is complete or as it was; what did not fit leaves nothing behind."""

import errno
import os
import stat
from pathlib import Path

import pytest

from edge_agent import durable


def test_a_file_is_replaced_whole_and_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "hash.key"
    durable.write(path, b"one")
    durable.write(path, b"two")

    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "hash.key.new").symlink_to(victim)
    durable.write(tmp_path / "hash.key", b"key")

    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "hash.key").read_bytes() == b"key"


def test_power_cuts_the_bytes_are_on_disk_before_they_have_their_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hash.key"
    done: list[tuple[str, bool]] = []
    fsync = os.fsync

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        done.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, path.exists()))

    monkeypatch.setattr(os, "fsync", synced)
    durable.write(path, b"key")

    assert done == [("hash.key.new", False), (tmp_path.name, True)]


def test_a_full_disk_keeps_the_file_and_gets_its_room_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hash.key"
    durable.write(path, b"one")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        durable.write(path, b"two")

    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]
