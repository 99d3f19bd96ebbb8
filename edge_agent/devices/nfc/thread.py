"""The thread of one reader: nfcpy blocks, so each reader has its own, and only that one ever touches it."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from edge_agent.devices.nfc import driver, faults, tags
from edge_agent.devices.nfc.driver import Frontend
from edge_agent.observations import TagGone, TagRead

# Between two looks. One at an empty field takes 25 ms, of which 1.5 ms are the processor's: with this pause a tap is
# found within 110 ms, a removal (three misses) within 330 ms, and an idle reader costs 1.4 % of a core.
PAUSE_S = 0.085
MISSES = 3  # a tag that lies badly misses one look in ten or so
# A reader under load acknowledges late (nfcpy waits 100 ms, fixed): what comes late has to come before asking again.
SETTLE_S = 0.2
ROOM = 16  # taps waiting to be recorded: more than hands can make in the 5 s a commit may take; beyond it nobody looks
WAITING_S = 0.1  # between two signs of life while waiting for room


class _StoppedError(Exception):
    """The thread was asked to end in the middle of something."""


class Listener(Protocol):
    """Where a thread's words go; each is called on the event loop."""

    def opened(self) -> None:
        """Tell that the reader works."""

    def heard(self, observation: TagRead | TagGone) -> None:
        """Take what was observed; ``ReaderThread.taken`` is to be called once it is recorded."""

    def counted(self, what: str) -> None:
        """Count something for metrics."""

    def ended(self, error: Exception | None) -> None:
        """Tell that the thread ends, the reader closed. ``error``: why, None if it was asked to."""


@dataclass(slots=True)
class Lying:
    """What lies on a reader. ``tag``: a Type 4 tag in its session; ``told``: a TagRead of it was told."""

    target: Any
    tag: Any
    told: bool
    misses: int = 0


class ReaderThread:
    """Opens a reader, looks for tags until it is stopped or the reader fails, and closes it."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        aids: tuple[str, ...],
        allowed: frozenset[str],
        lying: Lying | None,
        post: Callable[..., object],
        listener: Listener,
    ) -> None:
        """``lying``: what lay there when the reader was last heard of. ``post``: the loop's call_soon_threadsafe."""
        self.beats = 0  # rises for as long as the thread comes on
        self.lying = lying and replace(lying, tag=None, misses=0)  # a Type 4 tag's session ended with the reader's
        self._path = path
        self._aids = aids
        self._allowed = allowed
        self._post = post
        self._listener = listener
        self._stop = threading.Event()
        self._closing = False
        self._room = threading.Semaphore(ROOM)
        self._signals: deque[bool] = deque(maxlen=2)
        self._faltered = False
        # A daemon: one that hangs in a driver must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"nfc-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end: within one exchange with a tag, 50 ms as a rule."""
        self._stop.set()

    @property
    def alive(self) -> bool:
        """Whether it has yet to end."""
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait for its last instructions, once ``ended`` was told."""
        self._thread.join(timeout)

    def taken(self) -> None:
        """Make room: one of what was heard is recorded."""
        self._room.release()

    def signal(self, *, accepted: bool) -> None:
        """Have the reader's light and buzzer say so, between two looks."""
        self._signals.append(accepted)

    def _tell(self, word: Callable[..., None], *values: object) -> None:
        """Cross to the loop: the only way out of the thread. A thread given up may outlive the loop."""
        try:
            self._post(word, *values)
        except RuntimeError:
            self._stop.set()

    def _beat(self) -> None:
        self.beats += 1
        if self._stop.is_set() and not self._closing:
            raise _StoppedError

    def _run(self) -> None:
        error: Exception | None = None
        try:
            frontend = driver.open_reader(self._path, self._beat)
        except Exception as failed:  # noqa: BLE001 - whatever it is, it is told on the loop
            error = faults.fault(failed, self._path, opening=True)
        else:
            self._tell(self._listener.opened)
            error = self._serve(frontend)
            self._closing = True
            driver.close_reader(frontend)
        self._tell(self._listener.ended, None if isinstance(error, _StoppedError) else error)

    def _serve(self, frontend: Frontend) -> Exception | None:
        while not self._stop.wait(SETTLE_S if self._faltered else PAUSE_S):
            try:
                self._look(frontend)
            except Exception as failed:  # noqa: BLE001 - whatever it is, it is told on the loop
                error = faults.fault(failed, self._path)
                if self._faltered or not faults.may_be_spurious(error):
                    return error
                self._faltered = True
                self._tell(self._listener.counted, "spurious")
            else:
                self._faltered = False
        return None

    def _look(self, frontend: Frontend) -> None:
        frontend.begin()
        while self._signals:
            driver.show(frontend, accepted=self._signals.popleft())
        if self.lying is not None:
            self._look_again(frontend, self.lying)
        elif (target := frontend.sense(*tags.targets(self._allowed))) is not None:
            self._tapped(frontend, target)

    def _tapped(self, frontend: Frontend, target: Any) -> None:
        kind = tags.technology(target)
        if kind not in self._allowed:
            self.lying = Lying(target, None, told=False)
            self._tell(self._listener.counted, "ignored")
            return
        read, tag = tags.read(frontend, target, self._aids)
        self.lying = Lying(target, tag, told=True)
        self._say(read)

    def _look_again(self, frontend: Frontend, lying: Lying) -> None:
        if tags.is_there(frontend, lying.target, lying.tag):
            lying.misses = 0
            return
        lying.tag = None  # its session is over: from now on it is looked for
        lying.misses += 1
        if lying.misses >= MISSES:
            self.lying = None
            if lying.told:
                self._say(TagGone(tags.identifier(lying.target)))

    def _say(self, observation: TagRead | TagGone) -> None:
        while not self._room.acquire(timeout=WAITING_S):
            self._beat()
        self._tell(self._listener.heard, observation)
