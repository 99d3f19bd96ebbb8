"""A box that is killed at each step of a command, and started again: python -m … FOLDER.

One JSON line on stdout for each. Processes are forked from this one: what is imported is imported once.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from edge_agent import log
from edge_agent.remote.commands.acting import Action, Asked, Result
from edge_agent.remote.commands.catalogue import ACTIONS
from edge_agent.remote.commands.ledger import Ledger
from edge_agent.remote.commands.ping import Ping
from tests.support.commanded import commanded
from tests.support.commanding import sealed_command

STEPS = ("before", "accepted", "running", "acted", "answered")
NAMES = ("again", "once")  # one that may be run again, and one that may not


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def taught(ran: Path, step: str) -> None:
    """Teach this process two commands that leave a trace, and to die at a step."""

    async def act(asked: Asked, arguments: Ping) -> Result:
        del asked, arguments
        with ran.open("a") as file:
            file.write("ran\n")
        if step == "running":
            kill()
        return {"ran": len(ran.read_text().splitlines())}

    actions = cast("dict[str, Action]", ACTIONS)
    actions["again"] = Action(Ping, act, repeatable=True)
    actions["once"] = Action(Ping, act)
    for method, before, after in (("take", "before", "accepted"), ("answer", "acted", "answered")):
        setattr(Ledger, method, dying(getattr(Ledger, method), step == before, step == after))


def dying(method: Callable[..., Awaitable[None]], before: bool, after: bool) -> Callable[..., Awaitable[None]]:
    async def wrapped(*arguments: Any) -> None:
        if before:
            kill()
        await method(*arguments)
        if after:
            kill()

    return wrapped


async def live(folder: Path, name: str, result: Path) -> None:
    """Be the box: take the command, and write down what it answered."""
    async with commanded(folder) as box:
        box.commands.arrived(sealed_command(name, id_="c-1"))
        answer = await box.answered("c-1")
        result.write_bytes(msgspec.json.encode(answer))


def forked(work: Callable[[], None]) -> int:
    """Run in a process of its own; returns the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


def main(folder: Path) -> None:
    for name in NAMES:
        for step in STEPS:
            case = folder / f"{name}-{step}"
            case.mkdir()
            ran, result = case / "ran", case / "result"

            def process(step: str, case: Path = case, name: str = name, ran: Path = ran, result: Path = result) -> None:
                taught(ran, step)
                asyncio.run(live(case, name, result))

            killed = forked(lambda: process(step)) == signal.SIGKILL  # noqa: B023 - called at once
            fine = forked(lambda: process("none")) == 0
            said = msgspec.json.decode(result.read_bytes())
            times = len(ran.read_text().splitlines()) if ran.exists() else 0
            line = {"name": name, "step": step, "killed": killed, "fine": fine, "ran": times, **said}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")


if __name__ == "__main__":
    log.set_up("warning")  # to stderr: stdout carries the results alone
    main(Path(sys.argv[1]))
