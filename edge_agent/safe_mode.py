"""Safe mode: after crashes in a row the devices are held back, and everything else goes on."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from edge_agent.clock import Clock
from edge_agent.contract.events import iso_time
from edge_agent.contract.remote import ConfigId
from edge_agent.generation import Generations
from edge_agent.health import Condition, Health, Level
from edge_agent.starts import Record, Starts

PART = "safe_mode"  # in health

log = structlog.get_logger()


async def safe_mode(
    generations: Generations,
    starts: Starts,
    good: Callable[[], ConfigId],
    health: Health,
    clock: Clock,
    *,
    pause_s: float,
) -> None:
    """Keep this run in safe mode for ``pause_s`` at most, and end it; do nothing where it is in none.

    It ends with a new last known good config (``good``), which this run has survived; else after the pause, by running
    the devices again: should that crash, the next run is in safe mode for twice as long. Raises StorageError.
    """
    record = starts.record
    if not record.is_held:
        return
    health.report(PART, condition(record, pause_s, generations, clock))
    log.error("safe_mode_begins", crashes=record.crashes, why=_known(record), pause_s=pause_s)
    if await _is_over(pause_s, good, health):
        starts.release(clock.now())  # before anything that may crash
    else:
        starts.clear(clock.now())
    health.report(PART, None)
    await generations.release()


async def _is_over(pause_s: float, good: Callable[[], ConfigId], health: Health) -> bool:
    """Wait out the pause, or until there is a new last known good config; return whether it was the pause."""
    before, changed = good(), asyncio.Event()
    with suppress(TimeoutError), health.listening(changed.set):
        async with asyncio.timeout(pause_s):
            while good() == before:
                changed.clear()
                await changed.wait()
    is_over = good() == before
    log.info("safe_mode_ends", reason="time" if is_over else "config")
    return is_over


def condition(record: Record, pause_s: float, generations: Generations, clock: Clock) -> Condition:
    """Return what is wrong, for a person: how often it crashed, since when, of what, and until when it waits."""
    zone = generations.config.store.zone
    now_ms = clock.now().wall_ms
    since, until = iso_time(record.since_ms, zone), iso_time(now_ms + round(1000 * pause_s), zone)
    why = "; ".join(_known(record)) or "nothing is known of why: journalctl -u edge-agent"
    return Condition(
        "safe_mode",
        Level.ACTION,
        f"the agent crashed {record.crashes} times in a row since {since} ({why}); no device is read until {until}",
    )


def _known(record: Record) -> list[str]:
    """Return what is known of the last crashes, each once, the newest first."""
    return list(dict.fromkeys(why for why in reversed(record.why) if why))
