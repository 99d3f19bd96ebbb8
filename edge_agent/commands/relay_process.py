"""The process of a relay: ``python -m edge_agent.commands.relay_process FOLDER SETTINGS …`` (settings as JSON).

Of the agent it knows the log and the socket it listens on; no database, no configuration file.
"""

import asyncio
import faulthandler
import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from edge_agent import log
from edge_agent.notify import Notifier
from edge_agent.private import keep_files_private
from edge_agent.relay.driving import Arbiter
from edge_agent.relay.handover import leave, taken
from edge_agent.relay.ledger import Ledger, TakenError
from edge_agent.relay.places import ledger_path
from edge_agent.relay.process import relay
from edge_agent.relay.settings import Settings, decode, encode

EXIT_TAKEN = 1
GREEDY_S = 1
_TRIES, _BETWEEN_S = 10, 0.05


def main(arguments: list[str]) -> int:
    """Relay until told to end; told to do something else, begin again as a fresh process with the same id."""
    folder, settings = Path(arguments[0]), decode(arguments[1])
    log.set_up()
    faulthandler.enable()
    keep_files_private()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = taken()
        ledger = _ledger(ledger_path(folder, settings.device), held.ledger if held else None)
    except TakenError:
        structlog.get_logger().error("relay_runs_already", device=settings.device)
        return EXIT_TAKEN
    _go_first()
    gc.collect()
    gc.freeze()
    # Of a copy: what is begun again below is told by the same words.
    notifier = Notifier.of(dict(os.environ))
    after = asyncio.run(relay(settings, ledger, folder, _arbiter, notifier, held))
    if after is not None:
        settings, held = after
        leave(held)
        program = [sys.executable, "-m", "edge_agent.commands.relay_process"]
        os.execv(sys.executable, [*program, str(folder), encode(settings).decode(), *arguments[2:]])  # noqa: S606 - itself
    ledger.close()
    return 0


def _go_first() -> None:
    """Run before whatever else is busy on this box, where that is allowed: a till waits for nobody.

    One that computes for GREEDY_S without a pause is flooded, or has a defect: it takes its turn like everybody.
    """

    def take_turns(_number: int, _frame: object) -> None:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    signal.signal(signal.SIGXCPU, take_turns)  # getrlimit(2), RLIMIT_RTTIME
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
        resource.setrlimit(resource.RLIMIT_RTTIME, (GREEDY_S * 1_000_000, hard))
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _ledger(path: Path, inherited: int | None) -> Ledger:
    """Wait for a relay that is just dying; a killed process holds its lock for some milliseconds more."""
    for _ in range(_TRIES):
        try:
            return Ledger(path, inherited)
        except TakenError:
            time.sleep(_BETWEEN_S)
    return Ledger(path, inherited)


def _arbiter(settings: Settings, clock: Callable[[], int]) -> Arbiter | None:
    """Return who decides between the register and the agent, where the agent may write at all."""
    if settings.display is None:
        return None
    from edge_agent.decoders import linedisplay  # noqa: PLC0415 - three times the memory: only where it is asked for
    from edge_agent.devices.display import arbiter  # noqa: PLC0415

    return arbiter.Arbiter(linedisplay.Settings.model_validate(settings.display), settings.register.baudrate, clock)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
