"""structlog set-up: JSON lines on stderr, readable text where stderr is a terminal."""

import logging
import os
import select
import sys
import traceback

import structlog

LEVELS = ("debug", "info", "warning", "error")


def set_up(level: str = "info") -> None:
    """Configure logging for the process. Results go to stdout; logs never do."""
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(pad_event_to=0) if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not terminal),
            structlog.processors.StackInfoRenderer(),
            *([] if terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(_Unread(sys.stderr.fileno())),  # type: ignore[arg-type]  # not a whole file
        cache_logger_on_first_use=True,
    )


def places(error: BaseException) -> str:
    """Return where an error was raised, without its message: that may quote what a slip or a tag says."""
    return "".join(traceback.format_tb(error.__traceback__))


class _Unread:
    """A descriptor that perhaps nobody reads: a full or broken pipe costs lines of log, never the tills' time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lost = 0
        self._torn = False  # a line was written in part

    def write(self, line: str) -> None:
        """Write a line, or count it as lost; the next one that can be written says how many were."""
        if self._lost:
            line = f'{{"event": "log_lines_lost", "count": {self._lost}}}\n{line}'
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
