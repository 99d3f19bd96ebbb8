"""The thread's side of a PC/SC reader: blocking calls to pcscd through pyscard, as an iterator of what happens.

Built on the plain calls (``smartcard.scard``): they say by their result that pcscd or the reader has gone, where
pyscard's CardMonitor goes mute.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from smartcard import scard

from edge_agent.devices.pcsc.atr import technology
from edge_agent.devices.pcsc.card import Card, check
from edge_agent.devices.pcsc.thread import Noted, Opened, Told
from edge_agent.devices.tag_apdus import TornError, read_tag, read_uid
from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead

# How late a light may come on, or an end be noticed: ten looks a second cost 1 % of a core (measured).
POLL_MS = 100
# A tag held at the edge of the field is read at the second or third try; then it must be held better.
TRIES = 3

# ACR122U API manual 2.04, 6.2: 0.3 s of the active light and the buzzer; refused: twice 0.1 s of both.
ACCEPTED = bytes.fromhex("FF00400D0403000101")
REFUSED = bytes.fromhex("FF00400D0401010201")
UNDERSTANDS_LIGHT = "ACS "  # other makers' readers would pass the command on to the card

_GONE = scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE | scard.SCARD_STATE_IGNORE
_COUNTER = 16  # pcsc-lite keeps its count of comings and goings in a state's upper half (SCardGetStatusChange)


class Reader:
    """One reader. ``wanted``: its name or a part of it; ``aids``, ``tag_types``: as in PcscSettings."""

    def __init__(self, wanted: str, aids: tuple[str, ...], tag_types: tuple[str, ...]) -> None:
        self._wanted = wanted
        self._aids = aids
        self._tag_types = tag_types
        self._signals: SimpleQueue[bool] = SimpleQueue()
        self._context = 0
        self._name = wanted
        self._card: Card | None = None
        self._uid: bytes | None = None  # of the tag that was told of and lies there

    def signal(self, *, accepted: bool) -> None:
        """Have light and buzzer tell what became of a tap; from any thread, returns at once."""
        self._signals.put(accepted)

    def watch(self, beat: Callable[[], None]) -> Iterator[Told]:
        """Say what happens at the reader, of one tag once until it has been taken away; ``beat`` may raise to end it.

        Watched again after a fault, it goes on: a tag that still lies there is not told of again.
        Raises DeviceError ``no_service`` ``missing`` ``ambiguous`` ``permission`` ``unplugged`` ``busy``
        ``failed``.
        """
        try:
            with self._connected():
                self._name = self._find()
                yield from self._watch(beat)
        except TornError as error:  # no card has been asked: the fault is the reader's
            raise DeviceError("failed", f"{self._name}: {error}") from None

    @contextmanager
    def _connected(self) -> Iterator[None]:
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        check(result, self._wanted)
        self._context = context
        try:
            yield
        finally:
            self._let_go()
            scard.SCardReleaseContext(context)

    def _find(self) -> str:
        """Return the reader's whole name."""
        result, names = scard.SCardListReaders(self._context, [])
        if result != scard.SCARD_E_NO_READERS_AVAILABLE:
            check(result, self._wanted)
        if self._wanted in names:
            return self._wanted
        found = [name for name in names if self._wanted in name]
        if len(found) == 1:
            return str(found[0])
        if found:
            raise DeviceError("ambiguous", f"{self._wanted}: several readers are called so: {', '.join(found)}")
        raise DeviceError("missing", f"{self._wanted}: not among the readers: {', '.join(names) or 'there is none'}")

    def _watch(self, beat: Callable[[], None]) -> Iterator[Told]:
        known, count, opened = scard.SCARD_STATE_UNAWARE, None, False
        while True:
            beat()
            self._show()
            changed = self._wait(known)
            if changed is None:
                continue
            known, atr = changed
            here = bool(known & scard.SCARD_STATE_PRESENT)
            if not here or count not in (None, known >> _COUNTER):
                yield from self._taken_away()
                count = None
            fresh = here and count is None
            if fresh:
                count = known >> _COUNTER
                yield from self._connect(beat)
            if not opened:
                opened = True
                yield Opened()
            if fresh:
                yield from self._read(atr)

    def _wait(self, known: int) -> tuple[int, bytes] | None:
        """Return the reader's next state and the answer to reset of what lies on it; None: nothing has changed."""
        result, states = scard.SCardGetStatusChange(self._context, POLL_MS, [(self._name, known)])
        if result == scard.SCARD_E_TIMEOUT:
            return None
        check(result, self._name)
        _, state, atr = states[0]
        if state & _GONE:
            raise DeviceError("unplugged", f"{self._name}: the reader has gone")
        return state & ~scard.SCARD_STATE_CHANGED, bytes(atr)

    def _connect(self, beat: Callable[[], None]) -> Iterator[Told]:
        try:
            self._card = Card(self._context, self._name, beat)
        except TornError:
            yield Noted("mute")

    def _read(self, atr: bytes) -> Iterator[Told]:
        if self._card is None or self._is_the_one_told_of(self._card):
            return
        yield from self._taken_away(keep=True)
        kind = technology(atr)
        if kind is None or kind not in self._tag_types:
            yield Noted("unknown" if kind is None else "ignored")
            return
        read = self._read_patiently(self._card, kind)
        if not (read.uid or read.ndef or read.answers):
            yield Noted("unread" if read.torn else "unknown")
            return
        self._uid = read.uid
        yield read

    def _is_the_one_told_of(self, card: Card) -> bool:
        try:
            return self._uid is not None and read_uid(card.transmit) == self._uid
        except TornError:
            return False

    def _read_patiently(self, card: Card, kind: str) -> TagRead:
        read = read_tag(card.transmit, kind, self._aids)
        for _ in range(TRIES - 1):
            if not read.torn:
                break
            try:
                card.reset()
            except TornError:  # it has been taken away
                break
            again = read_tag(card.transmit, kind, self._aids)
            read = again if again.uid or not again.torn else read
        return read

    def _taken_away(self, *, keep: bool = False) -> Iterator[Told]:
        """Say that what was told of is not there any more. ``keep``: another card lies there."""
        if not keep:
            self._let_go()
        uid, self._uid = self._uid, None
        if uid is not None:
            yield TagGone(uid)

    def _let_go(self) -> None:
        if self._card is not None:
            self._card.close()
            self._card = None

    def _show(self) -> None:
        """Show what is to be shown, where a card lets the reader be spoken to."""
        while not self._signals.empty():
            accepted = self._signals.get_nowait()
            if self._card is not None and UNDERSTANDS_LIGHT in self._name:
                self._card.signal(ACCEPTED if accepted else REFUSED)
