"""A relay from its first byte to its last."""

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from edge_agent.log import places
from edge_agent.notify import Notifier
from edge_agent.relay.copying import Sender, Spool
from edge_agent.relay.driving import Arbiter, Driving, now_ms
from edge_agent.relay.ends import end_for
from edge_agent.relay.handover import Held
from edge_agent.relay.ledger import Ledger
from edge_agent.relay.messages import End, Ends, Serve, Show
from edge_agent.relay.places import socket_path
from edge_agent.relay.serving import Copy
from edge_agent.relay.settings import Settings
from edge_agent.relay.side import Side

log = structlog.get_logger()

# What a relay that is told to end waits for the printer to take what it has, and then for the agent to take its copy.
DRAIN_S = 5.0
SETTLE_S = 1.0
FOUND_EVERY_S = 5.0
# Of what the service manager allows: two signs of life may come late before it ends us.
SIGN_SHARE = 1 / 3


# Returns the arbiter that settings ask for, or None; it is given a clock in milliseconds that never steps.
NewArbiter = Callable[[Settings, Callable[[], int]], Arbiter | None]


async def relay(
    settings: Settings,
    ledger: Ledger,
    folder: Path,
    new_arbiter: NewArbiter,
    notifier: Notifier,
    held: Held | None = None,
) -> tuple[Settings, Held] | None:
    """Pass bytes on until SIGTERM, SIGINT or the agent's word; return what to go on with, or None.

    ``held``: what this relay held when it was told to go on otherwise. ``notifier`` is given signs of life. A defect
    ends the process: whoever started it starts it again.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_defect)
    passing = _Passing(settings, ledger, folder, new_arbiter(settings, now_ms), held)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, passing.end)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in (*passing.parts(), _alive(notifier))]
        log.info("relay_started", device=settings.device, read=ledger.read)
        notifier.ready()
        word = await passing.copy.asked
        await passing.drain(goes_on=isinstance(word, Serve))
        held = passing.held(word.settings) if isinstance(word, Serve) else None
        for task in tasks:
            task.cancel()
    return (word.settings, held) if isinstance(word, Serve) and held else None


class _Passing:
    """Both sides and the copy, wired."""

    def __init__(
        self, settings: Settings, ledger: Ledger, folder: Path, arbiter: Arbiter | None, held: Held | None
    ) -> None:
        held = held or Held(ledger.read, b"")
        self._settings = settings
        self._ledger = ledger
        self._folder = folder
        self._spool = Spool(held.begin)
        self._spool.append(held.copy)
        self._sender = sender = Sender(self._spool, ledger.bound or held.bound, ledger.bind)
        identity = str(uuid.uuid4())
        fingerprint = settings.fingerprint()
        self.copy = Copy(
            socket_path(folder, settings.device),
            sender,
            hello=lambda: sender.hello(identity, fingerprint),
            ends=self._ends,
        )
        till = end_for(settings.register, held.register)
        self._register = Side("register", till, self._from_register, self.copy.tell)
        self._printer = Side("printer", end_for(settings.printer), self._register.write, self.copy.tell)
        self._register.other, self._printer.other = self._printer, self._register
        self._printer.write(held.unprinted)
        self._register.write(held.unsaid)
        self._driving = Driving(arbiter, self._printer.write) if arbiter else None
        if self._driving is not None:
            self.copy.show = self._show

    def parts(self) -> Sequence[Coroutine[object, object, None]]:
        """Return what runs."""
        return self._register.keep_open(), self._printer.keep_open(), self.copy.serve(), self._stay_found()

    async def _stay_found(self) -> None:
        """Begin again where somebody has removed the folder: no agent finds this relay, and the next has no port.

        With the state directory gone the till prints on, until its port has gone as well.
        """
        while True:
            await asyncio.sleep(FOUND_EVERY_S)
            if self._ledger.is_found:
                continue
            if self._folder.parent.exists():
                log.warning("relay_folder_removed", path=str(self._folder))
                self.copy.heard(Serve(self._settings))
            elif self._register.trouble is not None:
                log.warning("relay_forsaken", path=str(self._folder))
                self.end()

    def end(self) -> None:
        """End as if the agent had said so."""
        self.copy.heard(End())

    async def drain(self, *, goes_on: bool) -> None:
        """Let the printer have what was read, then the agent its copy. ``goes_on``: what is left is not lost."""
        self._register.stop()
        if self._printer.is_open or not goes_on:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._printer.emptied()
        self._register.read_empty()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self.copy.settled()
        self._register.read_empty()
        log.info("relay_ended", read=self._ledger.read, unprinted=self._printer.waiting, not_copied=self._uncopied)

    def held(self, settings: Settings) -> Held:
        """Return what nobody has taken yet, for going on with ``settings``."""
        begin = self._spool.begin
        copy = self._spool.read(begin, self._uncopied)
        same = settings.register == self._settings.register
        port = self._register.kept_open() if same else None
        ledger = self._ledger.kept_locked()
        return Held(begin, copy, self._printer.rest, self._register.rest, self._sender.bound, port, ledger)

    @property
    def _uncopied(self) -> int:
        return self._spool.end - self._spool.begin

    def _from_register(self, data: bytes) -> None:
        """Pass bytes on; then the copy. Counted before (some microseconds): killed in between, a loss is told."""
        self._ledger.count(self._spool.end + len(data))
        self._printer.write(data if self._driving is None else self._driving.register(data))
        self._spool.append(data)
        self.copy.more()

    def _show(self, show: Show) -> None:
        if self._driving is not None:
            self._driving.show(show.rows, show.seconds)

    def _ends(self) -> Ends:
        return Ends(_how(self._register), _how(self._printer), self._printer.lost)


async def _alive(notifier: Notifier) -> None:
    """Give signs of life while the loop runs, which is all that passes bytes on."""
    while notifier.watchdog_s is not None:
        notifier.alive()
        await asyncio.sleep(notifier.watchdog_s * SIGN_SHARE)


def _how(side: Side) -> tuple[str, str]:
    return (side.trouble.reason, side.trouble.detail) if side.trouble else ("", "")


def _defect(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    trace = places(error) if isinstance(error, BaseException) else ""
    log.error("relay_crashed", error=type(error).__name__, message=context.get("message"), traceback=trace)
    os._exit(os.EX_SOFTWARE)  # sysexits.h
