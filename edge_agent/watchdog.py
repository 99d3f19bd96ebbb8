"""The word that goes to the service manager while the agent runs: signs of life, and how it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from edge_agent.health import Health, Level
from edge_agent.notify import Notifier

# Of what the manager allows: two signs may be lost, or come late, before it ends us.
SHARE = 1 / 3
# A process that was stopped, or a machine that had no time for it, finds every promise broken when it goes on: only a
# part that has not moved by then either is stuck.
SECOND_LOOK_S = 1.0
# Salvage reads a damaged database whole: of 2 GB, at the 1 MB/s of a card that is dying, in half an hour.
LONGEST_START_S = 3600.0
EXTENDED_S = 60.0
EXTEND_EVERY_S = 15.0


async def watched(health: Health, notifier: Notifier, on_stalled: Callable[[list[str]], None]) -> None:
    """Give signs of life, for ever, as long as the loop runs and every essential part makes progress.

    ``on_stalled`` hears once of each set of parts that are stuck, before the manager ends us.
    """
    if notifier.watchdog_s is None:
        return
    every_s, before = notifier.watchdog_s * SHARE, list[str]()
    while True:
        stalled = health.stalled()
        if stalled:
            await asyncio.sleep(min(SECOND_LOOK_S, every_s))
            stalled = [part for part in stalled if part in health.stalled()]
        if not stalled:
            notifier.alive()
        elif stalled != before:
            on_stalled(stalled)
        before = stalled
        await asyncio.sleep(every_s)


async def told(health: Health, notifier: Notifier) -> None:
    """Tell how it is in one line, for ever, whenever the worst that is wrong is another thing."""
    if not notifier.is_supervised:
        return
    changed = asyncio.Event()
    before = ""
    with health.listening(changed.set):
        while True:
            changed.clear()
            if (line := status_line(health)) != before:
                notifier.status(line)
                before = line
            await changed.wait()


def status_line(health: Health) -> str:
    """Return the overall level with what is worst, for ``systemctl status``."""
    conditions = health.conditions()
    if not conditions:
        return Level.OK.value
    worst = conditions[0]
    others = f" (and {len(conditions) - 1} more)" if len(conditions) > 1 else ""
    return f"{worst.condition.level}: {worst.part}: {worst.condition.code}{others}"


@asynccontextmanager
async def starting(notifier: Notifier) -> AsyncIterator[None]:
    """Ask for more time for as long as the context takes, an hour at most, and the loop runs."""
    if not notifier.is_supervised:
        yield
        return
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_ask_for_time(notifier))
        yield
        asking.cancel()


async def _ask_for_time(notifier: Notifier) -> None:
    try:
        async with asyncio.timeout(LONGEST_START_S):
            while True:
                notifier.extend(EXTENDED_S)
                await asyncio.sleep(EXTEND_EVERY_S)
    except TimeoutError:  # what takes longer hangs: the manager may have its way
        return
