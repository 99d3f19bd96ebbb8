"""A power cut: every change a process makes below a folder, recorded, and what a disk may hold of them afterwards.

The record is strace's. The disk is as careless as POSIX lets it be: what was not flushed by fsync(2) or fdatasync(2)
may be there or not, each sector by itself; a name is there for certain once its folder was flushed.
"""

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

SECTOR = 512
Mode = Literal["nothing", "all", "prefix", "torn", "sectors"]
MODES: tuple[Mode, ...] = ("nothing", "all", "prefix", "torn", "sectors")

_CALLS = (
    "openat,creat,open,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,rename,renameat,"
    "renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,copy_file_range,sendfile,sync_file_range"
)
_LINE = re.compile(r"(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
_END = re.compile(r"(.*)\) += (-?\d+)(<[^>]*>)?.*$")
_ARGUMENT = re.compile(r'"(?:[^"]*)"|[^,]+')
_PATH = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")


def recorder(log: Path) -> tuple[str, ...]:
    """Return the command that runs another one and records its changes; skips where it cannot be done."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: sudo apt-get install strace")
    trace = ("-e", f"trace={_CALLS}", "-e", "signal=none")
    return (strace, "-f", "--seccomp-bpf", "-qq", "-xx", "-y", "-s", str(8 << 20), *trace, "-o", str(log))


class Call(NamedTuple):
    """One system call that succeeded. ``begun``: it is under way; it comes again once it has returned."""

    name: str
    arguments: list[str]
    result: int
    begun: bool


def calls(log: Path) -> Iterator[Call]:
    """Yield the calls of a record in the order in which they returned; flushes also as they begin."""
    open_: dict[str, str] = {}
    with log.open("r", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if (found := _LINE.match(line)) is None:
                continue
            process, name, rest, resumed, tail = found.groups()
            if name and rest.endswith("<unfinished ...>"):
                open_[process] = rest.removesuffix("<unfinished ...>").rstrip()
                if name in {"fsync", "fdatasync"}:
                    yield Call(name, _ARGUMENT.findall(open_[process]), 0, begun=True)
                continue
            whole = rest if name else open_.pop(process, "") + tail
            ended = _END.match(whole)
            if ended is None or int(ended[2]) < 0:
                continue
            name = name or resumed
            arguments = [argument.strip() for argument in _ARGUMENT.findall(ended[1])]
            if found[2] and name in {"fsync", "fdatasync"}:
                yield Call(name, arguments, 0, begun=True)
            yield Call(name, arguments, int(ended[2]), begun=False)


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset; ``size`` is given where the file was cut to it instead."""

    at: int
    data: bytes
    size: int | None = None

    def on(self, content: bytearray) -> None:
        """Do it."""
        if self.size is not None:
            del content[self.size :]
            content.extend(bytes(self.size - len(content)))
            return
        content.extend(bytes(max(0, self.at - len(content))))
        content[self.at : self.at + len(self.data)] = self.data


@dataclass(slots=True)
class File:
    """What is on the disk for certain, and what was done since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)
    length: int = 0
    flushing: int = 0

    def change(self, write: Write) -> None:
        self.pending.append(write)
        self.length = write.size if write.size is not None else max(self.length, write.at + len(write.data))

    def flush(self, *, begun: bool) -> None:
        if begun:
            self.flushing = len(self.pending)
            return
        for write in self.pending[: self.flushing]:
            write.on(self.durable)
        del self.pending[: self.flushing]
        self.flushing = 0

    def left(self, mode: Mode, rng: random.Random) -> bytes:
        """Return what a cut now may leave of it."""
        content = bytearray(self.durable)
        if mode == "sectors":
            return self._by_sector(content, rng)
        count = {"nothing": 0, "all": len(self.pending)}.get(mode, rng.randint(0, len(self.pending)))
        for write in self.pending[:count]:
            write.on(content)
        if mode == "torn" and count < len(self.pending) and self.pending[count].data:
            write = self.pending[count]
            Write(write.at, write.data[: rng.randint(0, len(write.data) // SECTOR) * SECTOR]).on(content)
        return bytes(content)

    def _by_sector(self, content: bytearray, rng: random.Random) -> bytes:
        """Each sector as it was at some moment since the last flush, and the file's length, too."""
        sizes = [len(content)]
        versions: dict[int, list[bytes]] = {}
        for write in self.pending:
            before = len(content)
            first, last = write.at, write.at + len(write.data)
            if write.size is not None:
                first, last = min(before, write.size), max(before, write.size)
            first = min(first, before)  # a hole is filled with zeros
            touched = range(first // SECTOR, -(-last // SECTOR))
            for number in touched:
                versions.setdefault(number, [bytes(content[number * SECTOR : (number + 1) * SECTOR])])
            write.on(content)
            for number in touched:
                versions[number].append(bytes(content[number * SECTOR : (number + 1) * SECTOR]))
            sizes.append(len(content))
        size = rng.choice(sizes)
        result = bytearray(content[:size].ljust(size, b"\0"))
        for number, held in versions.items():
            begin, end = number * SECTOR, min((number + 1) * SECTOR, size)
            if begin < end:
                result[begin:end] = rng.choice(held).ljust(SECTOR, b"\0")[: end - begin]
        return bytes(result)


Change = dict[str, "File | Folder | None"]  # names that come, and names that go


@dataclass(slots=True)
class Folder:
    """Its names now, those that are on the disk for certain, and what was done since."""

    now: dict[str, "File | Folder"] = field(default_factory=dict)
    durable: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    flushing: int = 0

    def change(self, names: Change) -> None:
        self.pending.append(names)
        _apply(names, self.now)

    def flush(self, *, begun: bool) -> None:
        if begun:
            self.flushing = len(self.pending)
            return
        for names in self.pending[: self.flushing]:
            _apply(names, self.durable)
        del self.pending[: self.flushing]
        self.flushing = 0

    def leave(self, to: Path, mode: Mode, rng: random.Random) -> None:
        """Write into ``to`` what a cut now may leave."""
        names = dict(self.durable)
        count = {"nothing": 0, "all": len(self.pending)}.get(mode, rng.randint(0, len(self.pending)))
        for change in self.pending[:count]:
            _apply(change, names)
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, node in names.items():
            if isinstance(node, Folder):
                node.leave(to / name, mode, rng)
            else:
                (to / name).write_bytes(node.left(mode, rng))
                (to / name).chmod(0o600)


def _apply(names: Change, to: dict[str, "File | Folder"]) -> None:
    for name, node in names.items():
        if node is None:
            to.pop(name, None)
        else:
            to[name] = node


class Disk:
    """One folder on a disk, as recorded calls change it. ``said``: what went to the file of that path."""

    def __init__(self, folder: Path, said: Path | None = None, as_if: Path | None = None) -> None:
        """``folder`` is taken as it is now: all that is in it counts as flushed. ``as_if``: its path in the record."""
        self._path = (as_if or folder).resolve()
        self._said = said.resolve() if said else None
        self.root = _loaded(folder)
        self.said = bytearray()
        self._positions: dict[str, int] = {}
        self._appending: set[str] = set()

    def leave(self, to: Path, mode: Mode, rng: random.Random) -> None:
        """Write into ``to`` what a cut now may leave of the folder."""
        self.root.leave(to, mode, rng)

    def do(self, call: Call) -> bool:
        """Take a call over; tells whether it changed the disk. Raises AssertionError for one that is not understood."""
        name, arguments = call.name, call.arguments
        if name in {"openat", "open", "creat"}:
            return self._opened(call)
        if name in {"rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"}:
            return self._named(call)
        handle = arguments[0]
        path = _path_of(handle)
        if path is None:
            return False
        if path == self._said and name == "write":
            self.said += _bytes_of(arguments[1])
            return False
        node = self._node(path)
        if node is None:
            return False
        if name in {"fsync", "fdatasync"}:
            node.flush(begun=call.begun)
            return True
        assert isinstance(node, File)
        match name:
            case "pwrite64":
                node.change(Write(int(arguments[3]), _bytes_of(arguments[1])[: call.result]))
            case "write":
                at = node.length if handle in self._appending else self._positions.get(handle, 0)
                node.change(Write(at, _bytes_of(arguments[1])[: call.result]))
                self._positions[handle] = at + call.result
            case "ftruncate":
                node.change(Write(0, b"", int(arguments[1])))
            case "fallocate":
                node.change(Write(0, b"", max(node.length, int(arguments[2]) + int(arguments[3]))))
            case _:
                raise AssertionError(f"{name} on {path} is not understood")
        return True

    def _opened(self, call: Call) -> bool:
        at = 1 if call.name == "openat" else 0
        path = _named_path(call.arguments[0] if at else "", call.arguments[at])
        flags = call.arguments[at + 1] if call.name != "creat" else "O_CREAT|O_TRUNC"
        parent = self._parent(path)
        if parent is None:
            return False
        handle = f"{call.result}<{_hex(path)}>"
        self._positions[handle] = 0
        self._appending.discard(handle)
        if "O_APPEND" in flags:
            self._appending.add(handle)
        node = parent.now.get(path.name)
        if node is None and "O_CREAT" in flags:
            parent.change({path.name: File()})
            return True
        if isinstance(node, File) and "O_TRUNC" in flags and node.length:
            node.change(Write(0, b"", 0))
            return True
        return False

    def _named(self, call: Call) -> bool:
        found = _names(call)
        folders = [self._parent(path) for path in found]
        if not any(folders):
            return False
        path, parent = found[0], folders[0]
        if call.name.startswith("rename"):
            to, target = found[1], folders[1]
            assert target is not None, f"a file left the folder: {to}"
            node = parent.now[path.name] if parent else _loaded_file(to)
            if parent is target:
                target.change({path.name: None, to.name: node})
                return True
            target.change({to.name: node})
            if parent:
                parent.change({path.name: None})
            return True
        assert parent is not None
        parent.change({path.name: Folder() if call.name.startswith("mkdir") else None})
        return True

    def _parent(self, path: Path) -> Folder | None:
        node = self._node(path.parent)
        return node if isinstance(node, Folder) else None

    def _node(self, path: Path) -> File | Folder | None:
        if not path.is_relative_to(self._path):
            return None
        node: File | Folder | None = self.root
        for name in path.relative_to(self._path).parts:
            node = node.now.get(name) if isinstance(node, Folder) else None
        return node


def _loaded(folder: Path) -> Folder:
    loaded = Folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        loaded.now[path.name] = _loaded(path) if path.is_dir() else _loaded_file(path)
    loaded.durable = dict(loaded.now)
    return loaded


def _loaded_file(path: Path) -> File:
    content = bytearray(path.read_bytes())
    return File(content, length=len(content))


def _names(call: Call) -> list[Path]:
    arguments = call.arguments
    match call.name:
        case "rename":
            return [_named_path("", arguments[0]), _named_path("", arguments[1])]
        case "renameat" | "renameat2":
            return [_named_path(*arguments[0:2]), _named_path(*arguments[2:4])]
        case "unlinkat" | "mkdirat":
            return [_named_path(*arguments[0:2])]
        case _:
            return [_named_path("", arguments[0])]


def _named_path(folder: str, quoted: str) -> Path:
    return (_path_of(folder) or Path("/")) / _bytes_of(quoted).decode()


def _path_of(handle: str) -> Path | None:
    found = _PATH.search(handle)
    return Path(_unhex(found[1]).decode()) if found else None


def _bytes_of(quoted: str) -> bytes:
    assert quoted.startswith('"'), quoted
    assert quoted.endswith('"'), f"strace has cut it short: {quoted[-20:]}"
    return _unhex(quoted[1:-1])


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _hex(path: Path) -> str:
    return "".join(f"\\x{byte:02x}" for byte in str(path).encode())
