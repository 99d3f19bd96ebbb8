"""`log` and `set_log_level`: what the box has to say for itself, and how much of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args

import msgspec

from edge_agent import log
from edge_agent.contract.envelope import Refused
from edge_agent.remote.commands.acting import Action, Asked, Result

Level = Literal["debug", "info", "warning", "error"]
assert get_args(Level) == log.LEVELS
_RANKS = {level: rank for rank, level in enumerate((*log.LEVELS, "critical"))}

# An order may wait behind one reply: 0.5 s of a line of 1 Mbit/s. Whoever wants more asks again, or for `diagnostics`.
LINES_BYTES = 64 * 1024
LIMIT = 200
HOUR_S = 3_600
DAY_S = 86_400
YEAR_S = 366 * DAY_S  # no line is older


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``since``: ISO 8601 with an offset, or seconds ago; ``level``: and above; ``limit``: the newest so many."""

    since: datetime | Annotated[int, msgspec.Meta(ge=0)] | None = None
    level: Level = "info"
    limit: Annotated[int, msgspec.Meta(ge=1, le=log.RECENT_LINES)] = LIMIT


class _Line(msgspec.Struct):
    timestamp: datetime
    level: str = "info"


_head = msgspec.json.Decoder(_Line).decode


async def say_log(asked: Asked, arguments: Log) -> Result:
    """Return the newest lines, oldest first. ``truncated``: there were more that were asked for.

    Raises Refused ``bad_arguments``.
    """
    since = _since(arguments, asked.box.clock.now().wall_ms)
    lines, dropped = log.recent()
    chosen, more = newest(lines, since, arguments.level, arguments.limit)
    if dropped and not more:
        more = since is None or since < _head(lines[0]).timestamp
    return {"lines": [msgspec.json.decode(line) for line in chosen], "truncated": more}


def newest(lines: Sequence[str], since: datetime | None, level: str, limit: int) -> tuple[list[str], bool]:
    """Return the newest ``limit`` lines from a level on, as many as one reply takes, and whether there were more."""
    chosen: list[str] = []
    room = LINES_BYTES
    for line in reversed(lines):
        if not _is_wanted(line, since, level):
            continue
        room -= len(line) + 1
        if room < 0 or len(chosen) == limit:
            return chosen[::-1], True
        chosen.append(line)
    return chosen[::-1], False


def _since(arguments: Log, now_ms: int) -> datetime | None:
    match arguments.since:
        case int() as seconds:
            return datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(seconds=min(seconds, YEAR_S))
        case datetime() as since if since.tzinfo is None:
            raise Refused("bad_arguments", "since has no offset from UTC - at `$.since`")
        case since:
            return since


def _is_wanted(line: str, since: datetime | None, level: str) -> bool:
    head = _head(line)
    return _RANKS.get(head.level, 0) >= _RANKS[level] and (since is None or head.timestamp >= since)


class SetLogLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``seconds``: then the level is again what it was before the first such command."""

    level: Level
    seconds: Annotated[int, msgspec.Meta(ge=1, le=DAY_S)] = HOUR_S


class _Loudness:
    """The level for a while; a restart ends it as well."""

    def __init__(self) -> None:
        self._configured = ""
        self._back: asyncio.TimerHandle | None = None

    def set(self, level: str, seconds: float) -> None:
        if self._back is None:
            self._configured = log.level()
        else:
            self._back.cancel()
        log.set_level(level)
        self._back = asyncio.get_running_loop().call_later(seconds, self._fall_back)

    def _fall_back(self) -> None:
        log.set_level(self._configured)
        self._back = None


_loudness = _Loudness()


async def set_log_level(asked: Asked, arguments: SetLogLevel) -> Result:
    """Log from another level on, for a while."""
    del asked
    before = log.level()
    _loudness.set(arguments.level, arguments.seconds)
    return {"level": arguments.level, "before": before, "seconds": arguments.seconds}


LOG = Action(Log, say_log, repeatable=True)
SET_LOG_LEVEL = Action(SetLogLevel, set_log_level, repeatable=True)
