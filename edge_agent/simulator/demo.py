"""`edge-agent demo`: the virtual store, with every order, check-in and visit shown as head office confirms it."""

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.table import Table

from edge_agent.simulator import shoppers
from edge_agent.simulator.virtual_store import PEOPLE_TOML, START_S, STORE_TOML, Part, VirtualStore

SECONDS_BETWEEN_RECEIPTS = 1.5
SHOWN = 14
SHOWN_VALUE = 16  # characters of a token or a hash: enough to tell two apart
SEED = 1  # the same people each time
# After the register stops: a slip without a cut takes 2 s of silence to end, then moments to be confirmed.
LAST_ORDERS_S = 10.0


@dataclass(slots=True)
class Progress:
    """What happened in the store and what head office has confirmed: orders by number, taps and visits."""

    printed: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    tapped: int = 0
    checked_in: dict[str, str] = field(default_factory=dict)  # by check-in, how
    visits: set[str] = field(default_factory=set)
    latest: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=SHOWN))
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lost(self) -> int:
        """Orders that were printed and taps that were made, and are not confirmed."""
        taps = sum(method == "nfc" for method in self.checked_in.values())
        return len(self.printed.keys() - self.confirmed.keys()) + max(0, self.tapped - taps)

    def add_tap(self, what: str) -> None:
        """Note that somebody held ``what`` to the reader."""
        del what
        self.tapped += 1
        self.changed.set()

    def add_printed(self, receipt: dict[str, Any]) -> None:
        """Note a receipt the register has printed."""
        if receipt.get("order_no"):
            self.printed[receipt["order_no"]] = receipt["payable"]
            self.changed.set()

    def add_confirmed(self, stored: dict[str, Any]) -> bool:
        """Note what head office has stored; return whether it is new and worth showing."""
        if number := stored.get("order_no"):
            if number in self.confirmed:
                return False
            self.confirmed[number] = stored["payable"]
            self.latest.append((f"order {number}", f"{stored['payable'] / 100:.2f} CNY"))
        elif checkin := stored.get("checkin_id"):
            if checkin in self.checked_in:
                return False
            self.checked_in[checkin] = stored["method"]
            self.latest.append(("check-in", f"{stored['method']}, {_who(stored['identity'])}"))
        elif visit := stored.get("visit_id"):
            self.visits.add(visit)
            what = stored["stored"].split(".")[2]
            self.latest.append((what, f"{stored['zone']}, {_who(stored['identity'])}"))
        else:
            return False
        self.changed.set()
        return True


def _who(identity: dict[str, Any]) -> str:
    value = identity["value"]
    shown = value if len(value) <= SHOWN_VALUE else f"{value[:SHOWN_VALUE]}…"
    return f"{identity['kind']} {shown}{' (verified)' if identity['verified'] else ''}"


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
    console.print(f"check-ins={len(progress.checked_in)} visits={len(progress.visits)}", highlight=False)
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
        console.print("Starting a broker, head office, a register, a reader, a radio and the agent …", highlight=False)
        with store.broker, store.bus:
            store.configure(store=STORE_TOML + PEOPLE_TOML)
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
        reader = await store.start_reader()
        parts.append(reader)
        bluez = await store.start_bluez()
        parts.append(bluez)
        agent, url = await store.start_agent()
        parts.append(agent)
        await _until_up(url)
        console.print(f"status page: {url}", highlight=False)
        with _display(console, progress) as show:
            async with asyncio.TaskGroup() as group:
                watchers = [
                    group.create_task(_watch_register(register, progress)),
                    group.create_task(_watch_central(central, progress, show)),
                    *(group.create_task(_drain(part)) for part in (agent, reader, bluez)),
                ]
                rng = random.Random(SEED)  # noqa: S311 - people, no secrets
                people = [
                    group.create_task(shoppers.tap(reader, rng, progress.add_tap)),
                    group.create_task(shoppers.come_and_go(bluez)),
                ]
                await _wait(stop, seconds)
                for person in people:
                    person.cancel()
                await register.stop()
                await _until_confirmed(progress)
                for watcher in watchers:
                    watcher.cancel()
    finally:
        for part in reversed(parts):
            await part.stop()


async def _until_up(url: str) -> None:
    """Wait until every device works: nobody shall tap a card on a reader that is still being opened."""
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}api/status") as response:
                status = await response.json()
            if all(device["state"] == "up" for device in status["devices"]):
                return
            await asyncio.sleep(0.1)


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
            show.latest()


async def _drain(part: Part) -> None:
    """Read what a part prints, so that its pipe never fills."""
    async for _ in part.lines():
        pass


class Display:
    """Shows what is confirmed: a table that refreshes on a terminal, a line each elsewhere."""

    def __init__(self, console: Console, progress: Progress, live: Live | None) -> None:
        self._console = console
        self._progress = progress
        self._live = live

    def latest(self) -> None:
        """Show one more thing that is confirmed."""
        if self._live is not None:
            self._live.update(_table(self._progress))
        else:
            what, detail = self._progress.latest[-1]
            self._console.print(f"{what:<22} {detail:<40} confirmed", highlight=False, soft_wrap=True)


@contextmanager
def _display(console: Console, progress: Progress) -> Iterator[Display]:
    if not console.is_terminal:
        yield Display(console, progress, None)
        return
    with Live(_table(progress), console=console, refresh_per_second=8) as live:
        yield Display(console, progress, live)


def _table(progress: Progress) -> Table:
    orders, checkins = len(progress.confirmed), len(progress.checked_in)
    title = f"{orders} orders and {checkins} check-ins confirmed by head office (Ctrl-C ends the demo)"
    table = Table(title=title, min_width=len(title) + 4)
    table.add_column("what")
    table.add_column("detail")
    table.add_column("state", style="green")
    for what, detail in progress.latest:
        table.add_row(what, detail, "✓ confirmed")
    return table
