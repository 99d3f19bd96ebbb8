"""structlog set-up: JSON lines on stderr, readable text where stderr is a terminal; the newest lines stay in memory."""

import logging
import os
import re
import select
import sys
import threading
import traceback
from collections import deque

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from edge_agent import journald
from edge_agent.log_limit import Limit
from edge_agent.printable import printable

LEVELS = ("debug", "info", "warning", "error")
# What support is shown of the log without a way into the box: a quarter of an hour of a busy one at debug, days of a
# quiet one. A line has some 200 bytes, and 50 of overhead: 600 KB where there are that many.
RECENT_LINES = 2_000
RECENT_BYTES = 512 * 1024

# Half a surrogate pair: a byte of a file's name that is not UTF-8 (PEP 383). Other readers refuse the whole line.
_HALF = re.compile(r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}")


def set_up(level: str = "info") -> None:
    """Configure logging for the process. Results go to stdout; logs never do."""
    terminal = sys.stderr.isatty()
    journal = journald.is_journal(sys.stderr.fileno())
    set_level(level)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _limit,
            structlog.processors.TimeStamper(fmt="iso", utc=not terminal),
            structlog.processors.StackInfoRenderer(),
            *_rendering(terminal=terminal, journal=journal),
        ],
        wrapper_class=_Logger,
        logger_factory=structlog.WriteLoggerFactory(_Unread(sys.stderr.fileno(), journal=journal)),  # type: ignore[arg-type]  # not a whole file
        cache_logger_on_first_use=True,
    )


def _rendering(*, terminal: bool, journal: bool) -> list[Processor]:
    if terminal:
        return [_recent.keep_rendered, _printable, structlog.dev.ConsoleRenderer(pad_event_to=0)]
    lines: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), _recent.keep]
    return [*lines, _for_journal] if journal else lines


def _for_journal(_logger: WrappedLogger, method: str, line: EventDict | str) -> str:
    return f"{journald.prefix(method)}{line}"


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}


def tell_suppressed() -> None:
    """Log how many lines of what has become quiet were suppressed; to be called now and then."""
    _limit.tell_quiet()


def set_level(level: str) -> None:
    """Log from a level on (one of LEVELS), also by loggers that are in use."""
    # A logger that structlog has cached keeps its class: it is the methods of the class that change. Those below the
    # level are empty ones, as if it had always been so.
    for name, method in vars(
        structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()])
    ).items():
        if not name.startswith("__"):
            setattr(_Logger, name, method)


def level() -> str:
    """Return the level that is logged from."""
    return logging.getLevelName(int(_Logger.get_effective_level(None))).lower()


def recent() -> tuple[list[str], bool]:
    """Return the newest lines of the log as JSON, oldest first, and whether there were more before them."""
    return _recent.lines()


def places(error: BaseException) -> str:
    """Return where an error was raised, without its message: that may quote what a slip or a tag says."""
    return "".join(traceback.format_tb(error.__traceback__))


def defect(event: str, error: BaseException, **fields: object) -> None:
    """Log what nobody has thought of, with its places and without its message; the process goes on."""
    structlog.get_logger().error(event, **fields, error=type(error).__name__, traceback=places(error))


class _Logger(structlog.make_filtering_bound_logger(logging.DEBUG)):  # type: ignore[misc]  # made at run time
    """Every logger of the process; see ``set_level``."""


class _Recent:
    """The newest lines, bounded; threads log, too."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._bytes = 0
        self._dropped = False
        self._lock = threading.Lock()
        self._json = structlog.processors.JSONRenderer()

    def keep(self, _logger: WrappedLogger, _method: str, line: EventDict | str) -> str:
        """Keep a line that is rendered (structlog's processors hand it on)."""
        text = _HALF.sub(r"\\ufffd", str(line))
        with self._lock:
            self._lines.append(text)
            self._bytes += len(text)
            while len(self._lines) > RECENT_LINES or self._bytes > RECENT_BYTES:
                self._bytes -= len(self._lines.popleft())
                self._dropped = True
        return text

    def keep_rendered(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Keep what will be rendered for a terminal."""
        copy = structlog.processors.format_exc_info(logger, method, dict(event))
        self.keep(logger, method, str(self._json(logger, method, copy)))
        return event

    def lines(self) -> tuple[list[str], bool]:
        with self._lock:
            return list(self._lines), self._dropped


_recent = _Recent()
_limit = Limit()


class _Unread:
    """A descriptor that perhaps nobody reads: a full or broken pipe costs lines of log, never the tills' time."""

    def __init__(self, descriptor: int, *, journal: bool) -> None:
        self._lost_as = journald.prefix("warning") if journal else ""
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lost = 0
        self._torn = False  # a line was written in part

    def write(self, line: str) -> None:
        """Write a line, or count it as lost; the next one that can be written says how many were."""
        if self._lost:
            line = f'{self._lost_as}{{"event": "log_lines_lost", "count": {self._lost}}}\n{line}'
        data = f"{chr(10) if self._torn else ''}{line}".encode("utf-8", "backslashreplace")
        done = 0
        try:
            # A pipe that is ready takes PIPE_BUF bytes without blocking (pipe(7)).
            while done < len(data) and self._poll.poll(0):
                done += os.write(self._descriptor, data[done : done + select.PIPE_BUF])
        except OSError:  # the reader has gone, or the disk under the file is full
            pass
        if done < len(data):
            self._lost += 1
            self._torn = self._torn or done > 0
        else:
            self._lost, self._torn = 0, False

    def flush(self) -> None:
        """Nothing is held back."""
