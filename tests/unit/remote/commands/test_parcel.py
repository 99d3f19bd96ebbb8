"""A file with its label on the disk, and what a kill or a power cut leaves of it."""

from pathlib import Path

import pytest

from edge_agent.errors import StorageError
from edge_agent.remote.commands.acting import Upload
from edge_agent.remote.commands.parcel import Parcel, make_folder, room_beside

BODY = bytes(range(256)) * 4


def packed(folder: Path, body: bytes = BODY) -> Parcel:
    make_folder(folder)
    path = folder / "made"
    path.write_bytes(body)
    return Parcel.pack(folder, folder.name, Upload(path, "till.bin", {"seconds": 3}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outgoing" / "c-1"


def found(folder: Path) -> Parcel:
    parcel = Parcel.found(folder)
    assert parcel is not None
    return parcel


def test_what_was_packed_is_found_as_far_as_it_has_gone(folder: Path) -> None:
    parcel = packed(folder)
    parcel.cut(100)
    assert (parcel.next, parcel.of) == (0, 11)
    for _ in range(3):
        parcel.gone()
    again = found(folder)
    assert (again.id, again.result, again.next, again.chunk_bytes) == ("c-1", {"seconds": 3}, 3, 100)
    again.cut(200)  # a broker that takes more: the pieces stay, so that they make one whole
    assert (again.next, again.chunk_bytes) == (3, 100)
    assert again.chunk().number == 3


def test_pieces_that_no_longer_fit_begin_anew(folder: Path) -> None:
    parcel = packed(folder)
    parcel.cut(300)
    parcel.gone()
    parcel.cut(100)
    assert (parcel.next, parcel.of) == (0, 11)


def test_what_has_gone_is_not_sent_again_for_a_smaller_packet(folder: Path) -> None:
    parcel = packed(folder)
    parcel.cut(1024)
    parcel.gone()
    again = found(folder)
    again.cut(10)
    assert again.next == again.of


@pytest.mark.parametrize("left", [b"", b"\x01", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09"])
def test_a_count_that_a_power_cut_has_damaged_means_from_the_beginning(folder: Path, left: bytes) -> None:
    packed(folder)
    (folder / "sent").write_bytes(left)
    assert found(folder).next == 0


@pytest.mark.parametrize("left", [b"", b"{}", b"\xff", b'{"id": "c-1"'])
def test_a_label_that_cannot_be_read_is_no_parcel(folder: Path, left: bytes) -> None:
    packed(folder)
    (folder / "label.json").write_bytes(left)
    assert Parcel.found(folder) is None


def test_a_file_of_another_size_is_no_parcel(folder: Path) -> None:
    packed(folder)
    (folder / "file").write_bytes(b"half")
    assert Parcel.found(folder) is None
    assert Parcel.found(folder.with_name("c-2")) is None


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    make_folder(folder)
    with pytest.raises(StorageError, match=r"till\.bin: No such file"):
        Parcel.pack(folder, "c-1", Upload(folder / "made", "till.bin", {}))
    assert not folder.exists()


def test_room_is_what_the_others_leave(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.remote.commands.parcel.FOLDER_BYTES", 3_000)
    make_folder(folder)
    assert room_beside(folder) == 3_000
    packed(folder)
    other = folder.with_name("c-2")
    assert 1_500 < room_beside(other) < 3_000 - len(BODY)
    packed(other)
    with pytest.raises(StorageError, match="ask again when what waits has gone"):
        packed(folder.with_name("c-3"))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["c-1", "c-2"]
