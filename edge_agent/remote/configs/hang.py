"""A process that hangs on a config ends itself, and leaves word of it for the next one.

Nobody inside can tell a hang by running: so a C thread of faulthandler's, which needs no interpreter lock, ends the
process unless it is put off again and again by the event loop.
"""

import asyncio
import faulthandler
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger()

EVERY_S = 1.0
# Below systemd's WatchdogSec=30, which would end the process as well but could not say why; above what a loaded box
# keeps the loop waiting at worst.
LONGEST_S = 20.0
SHORTEST_S = 5.0

_FILE = "hung.txt"
_FRAME = re.compile(r'File "(?:.*/)?([^/"]+)", line (\d+) in (\S+)')
_FRAMES = 4
_READ_BYTES = 64 * 1024


class HangWatch:
    """Watches the loop while a config is validated or on trial; ``run`` beside it."""

    def __init__(self, folder: Path) -> None:
        """``folder``: where the word is left; it exists by the time anything is watched."""
        self._path = folder / _FILE
        self._limit_s = 0.0
        self._file: BinaryIO | None = None
        self._begun = asyncio.Event()
        self._patient_until: float | None = None  # loop time

    def left(self) -> str | None:
        """Return where the process before hung, and forget it; None: it did not."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_READ_BYTES).decode("utf-8", "replace")
            self._path.unlink()
        except OSError:
            return None
        return _told(text) if text else None

    def begin(self, trial_s: int) -> None:
        """Watch from now on. The limit is a third of the trial, within 5 to 20 s."""
        self._limit_s = min(LONGEST_S, max(SHORTEST_S, trial_s / 3))
        if self._file is None:
            with suppress(OSError):  # then it ends without a word
                self._file = self._path.open("wb", buffering=0)
        self._put_off()
        self._begun.set()

    def end(self) -> None:
        """Watch no more."""
        faulthandler.cancel_dump_traceback_later()
        self._begun.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Take it for a hang, too, if what is done here takes longer than ``LONGEST_S`` though the loop runs."""
        self._patient_until = asyncio.get_running_loop().time() + LONGEST_S
        try:
            yield
        finally:
            self._patient_until = None

    async def run(self) -> None:
        """Put the end off for as long as the loop runs."""
        try:
            while True:
                await self._begun.wait()
                if self._patient_until is None or asyncio.get_running_loop().time() < self._patient_until:
                    self._put_off()
                await asyncio.sleep(EVERY_S)
        finally:
            self.end()

    def _put_off(self) -> None:
        if self._file is None:
            faulthandler.dump_traceback_later(self._limit_s, exit=True)
        else:
            faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)


def _told(dump: str) -> str:
    """Return the main thread's topmost frames of a dump: its block is the last one."""
    main = re.split(r"^(?:Thread|Current thread) ", dump, flags=re.MULTILINE)[-1]
    frames = [f"{name}:{line} {function}" for name, line, function in _FRAME.findall(main)[:_FRAMES]]
    return "hung in " + " < ".join(frames) if frames else "hung"
