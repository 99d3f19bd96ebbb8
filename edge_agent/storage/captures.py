"""Captures: redacted raw bytes kept beside the database, so that a better template can read them again.

A file is one zstd frame, the raw bytes, and behind it, each in a skippable frame (RFC 8878, 3.1.2), what is known about
every slip that had exactly these bytes: ``zstd -dc`` gives the raw bytes alone.
"""

import hashlib
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
import zstandard

from edge_agent import durable
from edge_agent.shop.outcome import Capture
from edge_agent.storage.settings import StorageSettings

# A state directory of 16 MB: captures take 2 MB of it at most.
_SHARE = 8
_DAY_MS = 24 * 60 * 60 * 1000
_SUFFIX = ".zst"
_MAX_CAPTURE_BYTES = 16 * 1024 * 1024  # expanded; the longest receipt a decoder lets through is far below
_MAX_ABOUT_BYTES = 4 * 1024 * 1024  # an order of 2,000 lines, twice, is a quarter of it
# Slips of the very same bytes, none of which says when it was printed: the same coffee all day. What comes later is
# kept as an event only.
MAX_ABOUTS = 32
_SKIPPABLE = 0x184D2A50  # the first of the sixteen magic numbers
_HEADER = struct.Struct("<II")  # magic, size

Change = Callable[[bytes], bytes]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Held:
    """A capture as it is kept. ``about``: what is known about each slip with these bytes, oldest first."""

    body: bytes
    about: tuple[bytes, ...] = ()


class Captures:
    """``state_dir/captures/<sha256>.zst``, bounded by size and age, oldest first. A failure never blocks an order.

    Not flushed to disk one by one: after a power cut a young capture may be missing or empty; ``read`` checks the hash.
    """

    def __init__(self, folder: Path, settings: StorageSettings, total_bytes: int) -> None:
        self._folder = folder
        self._limit = min(settings.capture_bytes, total_bytes // _SHARE)
        self.keep_for(settings.capture_days)
        self._failing = False
        self._bytes = sum(size for _, size, _ in self._oldest_first())

    def keep_for(self, days: int) -> None:
        """Keep captures for so long from now on."""
        self._max_age_ms = days * _DAY_MS

    def write(self, captures: Iterable[Capture]) -> None:
        """Keep ``captures``; what is already there stays, and learns about one slip more."""
        for capture in captures:
            try:
                self._write(capture)
                self._failing = False
            except OSError as error:
                if not self._failing:
                    _log.warning("capture_not_kept", error=str(error))
                self._failing = True

    def read(self, sha256: str) -> bytes | None:
        """Return a capture, or None if it is not held (any more) or is not what was written."""
        held = self.held(sha256)
        return held.body if held is not None else None

    def held(self, sha256: str) -> Held | None:
        """Return a capture with what is known about it; None as in ``read``; what of it is damaged is left out."""
        try:
            body, rest = _unpacked((self._folder / (sha256 + _SUFFIX)).read_bytes())
        except (OSError, zstandard.ZstdError):
            return None
        return Held(body, tuple(_abouts(rest))) if hashlib.sha256(body).hexdigest() == sha256 else None

    def names(self) -> list[str]:
        """Return the hashes of all captures, oldest first."""
        return [path.stem for _, _, path in self._oldest_first() if path.suffix == _SUFFIX]

    def rewrite(self, sha256: str, change: Change, body: bytes | None = None) -> bool:
        """Replace what is known about a capture by what ``change`` makes of it, and its bytes by ``body``.

        On disk once this returns; a capture keeps its age. False: it is not held. Raises OSError.
        """
        held = self.held(sha256)
        if held is None:
            return False
        body = held.body if body is None else body
        abouts = [change(about) for about in held.about]
        if body == held.body and abouts == list(held.about):
            return True
        old = self._folder / (sha256 + _SUFFIX)
        new = self._folder / (hashlib.sha256(body).hexdigest() + _SUFFIX)
        times = old.stat()
        if new != old:
            abouts = [*(other.about if (other := self.held(new.stem)) is not None else ()), *abouts]
        self._replace(new, _packed(body, abouts[:MAX_ABOUTS]), (times.st_atime_ns, times.st_mtime_ns))
        if new != old:
            self._bytes -= _on_disk(times.st_size)
            old.unlink()
        durable.sync_folder(self._folder)
        return True

    def delete(self, sha256: str) -> None:
        """Delete one capture, if it is held."""
        path = self._folder / (sha256 + _SUFFIX)
        with suppress(FileNotFoundError, IsADirectoryError):
            size = path.stat().st_size
            path.unlink()
            self._bytes -= _on_disk(size)

    def drop(self, wanted: int) -> int:
        """Delete the oldest captures until ``wanted`` bytes are free. Returns how many bytes are."""
        freed = 0
        for _, size, path in self._oldest_first():
            if freed >= wanted:
                break
            path.unlink(missing_ok=True)
            freed += size
        self._bytes -= freed
        return freed

    def expire(self, now_ms: int) -> None:
        """Delete what is too old."""
        for written_ms, size, path in self._oldest_first():
            if now_ms - written_ms <= self._max_age_ms:
                break
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _write(self, capture: Capture) -> None:
        path = self._folder / (capture.sha256 + _SUFFIX)
        abouts = [capture.about] if capture.about else []
        times = None
        if path.exists():
            held = self.held(capture.sha256)
            if held is not None:
                if not abouts or abouts[0] in held.about or len(held.about) >= MAX_ABOUTS:
                    return
                abouts = [*held.about, *abouts]
                times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._replace(path, _packed(capture.body, abouts), times, flush=False)
        if self._bytes > self._limit:
            self.drop(self._bytes - self._limit)

    def _replace(self, path: Path, packed: bytes, times: tuple[int, int] | None, *, flush: bool = True) -> None:
        before = _on_disk(path.stat().st_size) if path.exists() else 0
        temporary = path.with_suffix(".new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(packed)
                file.flush()
                if flush:
                    os.fsync(descriptor)
            if times is not None:
                os.utime(temporary, ns=times)
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._bytes += _on_disk(len(packed)) - before

    def _oldest_first(self) -> list[tuple[int, int, Path]]:
        found = []
        with suppress(OSError):
            for entry in self._folder.iterdir():
                with suppress(FileNotFoundError):  # one that is just being renamed
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode):  # a folder cannot be dropped, and stops what is behind it
                        found.append((status.st_mtime_ns // 1_000_000, _on_disk(status.st_size), entry))
        return sorted(found)


def stored(folder: Path, newest: int) -> Iterator[tuple[str, bytes]]:
    """Yield the newest captures of a folder, hash and body, for somebody who is not the daemon; the newest first."""
    captures = Captures(folder, StorageSettings(capture_days=0), 0)
    for sha256 in captures.names()[::-1][:newest]:
        body = captures.read(sha256)
        if body is not None:
            yield sha256, body


def _packed(body: bytes, abouts: Sequence[bytes]) -> bytes:
    pack = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
    tails = (pack(about) for about in abouts)
    return pack(body) + b"".join(_HEADER.pack(_SKIPPABLE, len(tail)) + tail for tail in tails)


def _unpacked(packed: bytes) -> tuple[bytes, bytes]:
    """Return the raw bytes and what lies behind them. Raises ZstdError."""
    if not 0 <= zstandard.frame_content_size(packed) <= _MAX_CAPTURE_BYTES:
        raise zstandard.ZstdError("the size is not what was written")
    expand = zstandard.ZstdDecompressor().decompressobj()
    body = expand.decompress(packed)
    return body, expand.unused_data


def _abouts(rest: bytes) -> Iterator[bytes]:
    while len(rest) >= _HEADER.size:
        magic, size = _HEADER.unpack_from(rest)
        packed, rest = rest[_HEADER.size : _HEADER.size + size], rest[_HEADER.size + size :]
        if magic != _SKIPPABLE:
            return
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MAX_ABOUT_BYTES)


def _on_disk(size: int) -> int:
    """Return what a file of ``size`` bytes takes: whole blocks of 4 KiB."""
    return -(-size // 4096) * 4096
