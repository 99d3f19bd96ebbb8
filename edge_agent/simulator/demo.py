"""`edge-agent demo`: the virtual store, with every order shown as head office confirms it."""

import asyncio
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from edge_agent.simulator.virtual_store import Part, VirtualStore

SECONDS_BETWEEN_RECEIPTS = 1.5
SHOWN_ORDERS = 12
# After the register stops: a slip without a cut takes 2 s of silence to end, then moments to be confirmed.
LAST_ORDERS_S = 10.0


@dataclass(slots=True)
class Progress:
    """What the register printed and what head office has confirmed, by order number."""

    printed: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    latest: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN_ORDERS))
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lost(self) -> int:
        """Orders that were printed and are not confirmed."""
        return len(self.printed.keys() - self.confirmed.keys())

    def add_printed(self, receipt: dict[str, Any]) -> None:
        """Note a receipt the register has printed."""
        if receipt.get("order_no"):
            self.printed[receipt["order_no"]] = receipt["payable"]
            self.changed.set()

    def add_confirmed(self, stored: dict[str, Any]) -> bool:
        """Note an order head office has stored; return whether it is a new one."""
        number = stored.get("order_no")
        if not number or number in self.confirmed:
            return False
        self.confirmed[number] = stored["payable"]
        self.latest.append(number)
        self.changed.set()
        return True


class _Console(Console):
    """A console whose reader may go (``edge-agent demo | head``): that ends the demo like Ctrl-C, not the process."""

    on_unread: Callable[[], None] | None = None

    def on_broken_pipe(self) -> None:
        """Say no more, here or when the interpreter flushes at its end."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if self.on_unread is not None:
            self.on_unread()


def run_demo(seconds: int | None) -> int:
    """Run the virtual store until Ctrl-C or for ``seconds``; return the exit status."""
    console = _Console()
    try:
        progress = asyncio.run(_demo(console, seconds))
    except FileNotFoundError as error:
        console.print(str(error), style="red")
        return 1
    console.print(f"confirmed={len(progress.confirmed)} lost={progress.lost}", highlight=False)
    return 0 if progress.lost == 0 else 1


async def _demo(console: _Console, seconds: int | None) -> Progress:
    progress = Progress()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.on_unread = stop.set
    with tempfile.TemporaryDirectory(prefix="edge-agent-demo-") as name:
        store = VirtualStore(Path(name))
        console.print("Starting a broker, head office, a register and the agent …", highlight=False)
        with store.broker:
            store.configure()
            await _run_store(store, console, progress, stop, seconds)
    return progress


async def _run_store(
    store: VirtualStore, console: Console, progress: Progress, stop: asyncio.Event, seconds: int | None
) -> None:
    parts: list[Part] = []
    try:
        central = await store.start_central()
        parts.append(central)
        register = await store.start_register(f"--interval={SECONDS_BETWEEN_RECEIPTS}", "--style=mixed")
        parts.append(register)
        agent, url = await store.start_agent()
        parts.append(agent)
        console.print(f"status page: {url}api/status", highlight=False)
        with _display(console, progress) as show:
            async with asyncio.TaskGroup() as group:
                watchers = [
                    group.create_task(_watch_register(register, progress)),
                    group.create_task(_watch_central(central, progress, show)),
                    group.create_task(_drain(agent)),
                ]
                await _wait(stop, seconds)
                await register.stop()
                await _until_confirmed(progress)
                for watcher in watchers:
                    watcher.cancel()
    finally:
        for part in reversed(parts):
            await part.stop()


async def _wait(stop: asyncio.Event, seconds: int | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _until_confirmed(progress: Progress) -> None:
    try:
        async with asyncio.timeout(LAST_ORDERS_S):
            while progress.lost:
                progress.changed.clear()
                await progress.changed.wait()
    except TimeoutError:
        return


async def _watch_register(register: Part, progress: Progress) -> None:
    async for line in register.lines():
        progress.add_printed(line)


async def _watch_central(central: Part, progress: Progress, show: "Display") -> None:
    async for line in central.lines():
        if progress.add_confirmed(line):
            show.order(line)


async def _drain(agent: Part) -> None:
    """Read the agent's log, so that its pipe never fills."""
    async for _ in agent.lines():
        pass


class Display:
    """Shows confirmed orders: a table that refreshes on a terminal, a line each elsewhere."""

    def __init__(self, console: Console, progress: Progress, live: Live | None) -> None:
        self._console = console
        self._progress = progress
        self._live = live

    def order(self, stored: dict[str, Any]) -> None:
        """Show one more confirmed order."""
        if self._live is not None:
            self._live.update(_table(self._progress))
        else:
            amount = f"{stored['payable'] / 100:.2f}"
            self._console.print(f"order {stored['order_no']}  {amount:>9} CNY  confirmed", highlight=False)


@contextmanager
def _display(console: Console, progress: Progress) -> Iterator[Display]:
    if not console.is_terminal:
        yield Display(console, progress, None)
        return
    with Live(_table(progress), console=console, refresh_per_second=8) as live:
        yield Display(console, progress, live)


def _table(progress: Progress) -> Table:
    title = f"{len(progress.confirmed)} orders confirmed by head office (Ctrl-C ends the demo)"
    table = Table(title=title, min_width=len(title) + 4)
    table.add_column("order")
    table.add_column("amount", justify="right")
    table.add_column("state", style="green")
    for number in progress.latest:
        table.add_row(number, f"{progress.confirmed[number] / 100:.2f}", "✓ confirmed")
    return table
