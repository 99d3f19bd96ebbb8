"""Captures: redacted raw bytes kept beside the database, so that a better template can read them again."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
import zstandard

from edge_agent.shop.outcome import Capture
from edge_agent.storage.settings import StorageSettings

# A state directory of 16 MB: captures take 2 MB of it at most.
_SHARE = 8
_DAY_MS = 24 * 60 * 60 * 1000
_SUFFIX = ".zst"
_MAX_CAPTURE_BYTES = 16 * 1024 * 1024  # expanded; the longest receipt a decoder lets through is far below

_log = structlog.get_logger()


class Captures:
    """``state_dir/captures/<sha256>.zst``, bounded by size and age, oldest first. A failure never blocks an order.

    Not flushed to disk one by one: after a power cut a young capture may be missing or empty; ``read`` checks the hash.
    """

    def __init__(self, folder: Path, settings: StorageSettings, total_bytes: int) -> None:
        self._folder = folder
        self._limit = min(settings.capture_bytes, total_bytes // _SHARE)
        self._max_age_ms = settings.capture_days * _DAY_MS
        self._failing = False
        self._bytes = sum(size for _, size, _ in self._oldest_first())

    def write(self, captures: Iterable[Capture]) -> None:
        """Keep ``captures``; what is already there stays as it is."""
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
        try:
            packed = (self._folder / (sha256 + _SUFFIX)).read_bytes()
            body = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MAX_CAPTURE_BYTES)
        except (OSError, zstandard.ZstdError):
            return None
        return body if hashlib.sha256(body).hexdigest() == sha256 else None

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
        if path.exists():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        packed = zstandard.ZstdCompressor(level=3).compress(capture.body)
        temporary = path.with_suffix(".new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(packed)
            temporary.rename(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._bytes += _on_disk(len(packed))
        if self._bytes > self._limit:
            self.drop(self._bytes - self._limit)

    def _oldest_first(self) -> list[tuple[int, int, Path]]:
        try:
            found = [(entry.stat(), entry) for entry in self._folder.iterdir()]
        except OSError:
            return []
        return sorted((stat.st_mtime_ns // 1_000_000, _on_disk(stat.st_size), path) for stat, path in found)


def _on_disk(size: int) -> int:
    """Return what a file of ``size`` bytes takes: whole blocks of 4 KiB."""
    return -(-size // 4096) * 4096


def stored(folder: Path, newest: int) -> Iterator[tuple[str, bytes]]:
    """Yield the newest captures of a folder, hash and body, for somebody who is not the daemon; the newest first."""
    settings = StorageSettings(capture_days=0)
    captures = Captures(folder, settings, 0)
    for path in sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)[:newest]:
        body = captures.read(path.stem)
        if body is not None:
            yield path.stem, body
