"""An operator's desk: the file to roll out, the book, and the chain it goes to."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_agent.fleet.rollouts import book
from tests.support.fleet import STORE_TOML, Chain, Operator

# What a simulated chain runs before anything is pushed.
BEFORE = {"store": {"name": "旧", "timezone": "Asia/Shanghai", "currency": "CNY"}}
PATIENCE_S = 60.0


class Desk:
    """The operator, the file to roll out, and the book."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.file = operator.folder / "store.toml"
        self.file.write_text(STORE_TOML.replace('"${baud}"', "9600").replace("${port}", "ttyS1"))
        self.book = operator.folder / "rollouts.db"
        self.state = f"--state={self.book}"

    def arguments(self, *options: str, rings: str = "1,10%,50%,100%", soak: str = "100ms") -> list[str | Path]:
        return ["rollout", self.file, f"--rings={rings}", f"--soak={soak}", "--yes", self.state, *options]

    def one(self) -> book.Rollout:
        with book.opened(self.book) as kept:
            return kept.rollouts()[0]

    def members(self) -> dict[str, book.Member]:
        with book.opened(self.book) as kept:
            return {member.topics.store: member for member in kept.members(kept.rollouts()[0])}


def stores(count: int) -> list[str]:
    return [f"sh-{number:03}" for number in range(count)]


def wait(condition: Callable[[], Any], explain: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.005)


def kill_when(process: subprocess.Popen[str], chain: Chain, taken: int, later_s: float) -> None:
    """Kill a process that long after so many agents have taken up a push."""
    wait(lambda: len(chain.taken) >= taken or process.poll() is not None, lambda: chain.taken)
    time.sleep(later_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
