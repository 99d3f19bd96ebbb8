"""Runs a replaceable part again, with capped, jittered back-off."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from edge_agent.errors import AgentError
from edge_agent.log import places

log = structlog.get_logger()

FIRST_S = 0.1  # a cable pulled and put back within a second loses nothing at this pace
CAP_S = 30.0
HEALTHY_S = 60.0  # what has run this long starts over with short delays

# For a port that is not there, or that somebody holds, trying again is one open(2) that fails: 40 µs, so once a second
# costs 0.004 % of a core, and a port that comes back is read within the second, were it away a minute or a night.
# So it is with the socket of a D-Bus, a pcscd or a relay. An NFC reader that does not answer costs 0.4 % of a core
# at this pace (measured), and one that was switched on again is back within two seconds.
CAPS_S = {
    "missing": 1.0, "unplugged": 1.0, "busy": 1.0, "no_bus": 1.0, "no_reply": 1.0, "protocol": 1.0, "hung": 1.0,
    "no_service": 1.0, "relay_missing": 1.0
}  # fmt: skip


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    on_down: Callable[[str, str], None],
    rng: random.Random,
    first: float = FIRST_S,
    cap: float = CAP_S,
    healthy_after: float = HEALTHY_S,
    through: type[AgentError] | tuple[type[AgentError], ...] = (),
) -> None:
    """Run a part for ever; return only by being cancelled.

    ``on_down(reason, detail)`` hears of every failure, the same one again included. ``reason`` is that of an AgentError
    (``failed`` if it has none), ``ended`` if the part returned, ``crashed`` for anything else: a defect, logged with
    its places and without its message, which may quote what a slip says.

    ``through``: errors that are somebody else's to survive; they are raised.

    Delays (seconds) double from ``first`` to ``cap`` and start over after a run of ``healthy_after``; each is cut by up
    to half, at random, so that what failed together does not come back together.
    """
    loop = asyncio.get_running_loop()
    delay, before = first, ""
    while True:
        began = loop.time()
        reason, detail, defect = "ended", "", None
        try:
            await run()
        except through:
            raise
        except AgentError as error:
            reason, detail = getattr(error, "reason", "failed"), getattr(error, "detail", str(error))
        except Exception as error:  # noqa: BLE001 - the one place that survives a defect
            reason, detail, defect = "crashed", type(error).__name__, error
        if loop.time() - began >= healthy_after:
            delay, before = first, ""
        if reason != before:
            if defect is not None:
                log.error("part_crashed", part=name, error=detail, traceback=places(defect))
            else:
                log.warning("part_down", part=name, reason=reason, detail=detail)
        on_down(reason, detail)
        before = reason
        delay = min(delay, cap, CAPS_S.get(reason, cap))
        await asyncio.sleep(delay * rng.uniform(0.5, 1.0))
        delay *= 2
