"""One file on its way up, as it lies on the disk: what survives a kill is the file, its label and how much has gone."""

import asyncio
import base64
import hashlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from edge_agent import durable
from edge_agent.contract.remote import Chunk
from edge_agent.errors import StorageError
from edge_agent.remote.commands.acting import Result, Upload

# All files together. A bundle for support has a megabyte at most, ten minutes of a line about as much.
FOLDER_BYTES = 8 * 1024 * 1024
FREE_SHARE = 10  # of what is free on the disk they take a tenth: the rest is for orders

T = TypeVar("T")

_LABEL = "label.json"
_SENT = "sent"
_NUMBERS = struct.Struct("<II")  # the next chunk's number, bytes of each chunk


class _Label(msgspec.Struct, frozen=True):
    """``file``: beside the label; ``name``: what it is called up there."""

    id: str
    file: str
    name: str
    bytes: int
    sha256: str
    result: Result


class Parcel:
    """A file and its label in a folder of their own. Everything here touches the disk: call it in a thread.

    ``next``, ``chunk_bytes``: how far it has gone, and in which pieces; without pieces (0) it has not begun.
    """

    def __init__(self, folder: Path, label: _Label, next_: int, chunk_bytes: int) -> None:
        """Use ``pack`` or ``found``."""
        self.folder = folder
        self.id = label.id
        self.result = label.result
        self.next = next_
        self.chunk_bytes = chunk_bytes
        self._label = label

    @classmethod
    def pack(cls, folder: Path, id_: str, upload: Upload) -> "Parcel":
        """Take a file, moved into ``folder``, and make it durable with its label. Raises StorageError, keeping nothing.

        ``folder``: the command's own, below the one of all files.
        """
        try:
            make_folder(folder)
            size, sha256 = _hashed(upload.path)
            body = folder / "file"
            upload.path.rename(body)
            body.chmod(0o600)
            _make_sure_of_room(folder.parent, size)
            label = _Label(id_, body.name, upload.name, size, sha256, upload.result)
            durable.write(folder / _LABEL, msgspec.json.encode(label))
            durable.sync_folder(folder.parent)
        except OSError as error:
            remove(folder)
            raise StorageError(f"{upload.name}: {error.strerror or error}; make room on the box's disk") from error
        except StorageError:
            remove(folder)
            raise
        return cls(folder, label, 0, 0)

    @classmethod
    def found(cls, folder: Path) -> "Parcel | None":
        """Return what an earlier process has packed; None where it did not come so far, or it cannot be read."""
        try:
            label = msgspec.json.decode((folder / _LABEL).read_bytes(), type=_Label)
            if (folder / label.file).stat().st_size != label.bytes:
                return None
        except (OSError, ValueError):  # msgspec's errors are ValueErrors
            return None
        try:
            next_, chunk_bytes = _NUMBERS.unpack((folder / _SENT).read_bytes())
        except (OSError, struct.error):  # nothing has gone yet, or it cannot be told: from the beginning
            next_ = chunk_bytes = 0
        return cls(folder, label, next_, chunk_bytes)

    @property
    def of(self) -> int:
        """How many chunks there are; an empty file is one empty chunk."""
        return max(1, -(-self._label.bytes // self.chunk_bytes))

    def cut(self, chunk_bytes: int) -> None:
        """Have the pieces fit: where those that are left are larger, it begins anew."""
        if not self.chunk_bytes or (self.chunk_bytes > chunk_bytes and self.next < self.of):
            self.next, self.chunk_bytes = 0, chunk_bytes

    def chunk(self) -> Chunk:
        """Return the next piece. Raises StorageError where the file cannot be read."""
        label = self._label
        start = self.next * self.chunk_bytes
        wanted = min(self.chunk_bytes, label.bytes - start)
        try:
            with (self.folder / label.file).open("rb") as file:
                file.seek(start)
                data = file.read(wanted)
        except OSError as error:
            raise StorageError(f"{label.name}: {error.strerror or error}; ask again with a new id") from error
        if len(data) != wanted:
            raise StorageError(f"{label.name}: the file has been cut short; ask again with a new id")
        return self._piece(base64.b64encode(data).decode())

    def empty_chunk(self) -> Chunk:
        """Return a piece without data, of the largest numbers: what a chunk takes beside its data."""
        return self._piece("", number=2**32)

    def gone(self) -> None:
        """Note that the piece has arrived.

        Written in place: it takes no room on a full disk. Not synced, a power cut costs some pieces a second time.
        """
        self.next += 1
        with suppress(OSError):  # then a kill does
            descriptor = os.open(self.folder / _SENT, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, _NUMBERS.pack(self.next, self.chunk_bytes), 0)
            finally:
                os.close(descriptor)

    def _piece(self, data: str, *, number: int | None = None) -> Chunk:
        label = self._label
        of = number or self.of
        return Chunk(
            number=number or self.next, of=of, name=label.name, bytes=label.bytes, sha256=label.sha256, data=data
        )


async def on_disk(work: Callable[[], T]) -> T:
    """Do something that touches the disk in a thread. Raises StorageError."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StorageError(f"{error.strerror or error}; make room on the box's disk") from error


def make_folder(folder: Path) -> None:
    """Make a command's folder, and the one of all files, for this user only. Raises OSError."""
    for one in (folder.parent, folder):
        if not one.is_dir():
            one.mkdir(mode=0o700, exist_ok=True)  # with ``parents`` its mode would be the last one's alone
            durable.sync_folder(one.parent)


def room_beside(folder: Path) -> int:
    """Return how many bytes a command may put into its ``folder``: what others lie there with counts, and the disk."""
    return _room(folder.parent)


def remove(folder: Path) -> None:
    """Delete what a command leaves behind."""
    shutil.rmtree(folder, ignore_errors=True)


def _make_sure_of_room(folder: Path, size: int) -> None:
    """Raise StorageError where a file of ``size`` that lies in ``folder`` already takes more than it may."""
    if _room(folder) < 0:
        raise StorageError(
            f"{size} bytes are more than may wait here to be sent ({FOLDER_BYTES} bytes, and a tenth of what is free on"
            " the disk); ask again when what waits has gone, or make room"
        )


def _room(folder: Path) -> int:
    used = sum(_sizes(folder))
    free = shutil.disk_usage(folder).free + used
    return min(FOLDER_BYTES, free // FREE_SHARE) - used


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.glob("*/*"):
        with suppress(OSError):  # another one is just being removed
            yield path.stat().st_size


def _hashed(path: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256, and have it on the disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        os.fsync(file.fileno())
        return file.tell(), digest.hexdigest()
