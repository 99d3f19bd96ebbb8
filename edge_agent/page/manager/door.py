"""Who may pass: the manager's code, the one-time code that first sets it, and the sessions of those who gave it."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.page.guard import is_loopback
from edge_agent.page.manager import hashed
from edge_agent.page.manager.codes import UnusableCodeError, check_choice, is_code, one_time, typed
from edge_agent.page.manager.tries import Tries

__all__ = ["BackOffError", "Door", "Session", "UnusableCodeError", "WrongCodeError"]

SESSION_MS = 15 * 60 * 1000  # after the last action: somebody served a customer, and the telephone lies on the counter
MAX_SESSIONS = 8  # a manager's telephones and tills; the one that did nothing for longest ends
PAIRING_MS = 15 * 60 * 1000  # from the installer's terminal to the manager's telephone


class WrongCodeError(Exception):
    """The code is not the manager's (or the one-time code not the box's, or used, or too old)."""


class BackOffError(Exception):
    """Too many wrong codes: none is looked at for ``seconds``. Expires by itself; nobody is banned for good."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who gave the code. ``token`` goes into the cookie, ``csrf`` into the header of every action."""

    token: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _OneTime:
    code: str
    until_ms: int


class Door:
    """The manager's code on disk, hashed, and who gave it lately, in memory.

    Sessions and wrong tries end with the process: whoever could restart it has the box anyhow.
    """

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._path = state_dir / "manager.json"
        self._clock = clock
        self._code = hashed.read(self._path)
        self._one_time: _OneTime | None = None
        self._ends_ms: dict[bytes, int] = {}  # of each session, by its token's hash, the one used last at the end
        self._tries = {True: Tries(), False: Tries()}  # of this box itself, of the network: neither locks the other out
        self._hashing = asyncio.Lock()  # one at a time: each takes a core and 32 MB

    @property
    def has_code(self) -> bool:
        """Whether a manager has set a code."""
        return self._code is not None

    def pairing_code(self) -> str:
        """Return a new one-time code, which lets a manager set theirs; it replaces an earlier one and expires.

        It ends the waits as well: they last as long as the code does, and would outlast it.
        """
        self._one_time = _OneTime(one_time(), self._clock.read_uptime_ms() + PAIRING_MS)
        for tries in self._tries.values():
            tries.forget()
        return self._one_time.code

    async def set_code(self, pairing: str, code: str, client: str) -> Session:
        """Set the manager's code (six digits) and open a session; all other sessions end.

        ``client``: the address that asks. Raises WrongCodeError, BackOffError, UnusableCodeError (not a code one may
        choose), StorageError where it can't be kept; the one-time code is used up by none of them.
        """
        tries = self._try(client)
        pairing, code = typed(pairing), typed(code)
        async with self._hashing:
            offered = self._one_time
            if offered is None or self._clock.read_uptime_ms() >= offered.until_ms or not _equal(pairing, offered.code):
                raise WrongCodeError
            tries.forget()
            check_choice(code, offered.code)
            made = await asyncio.to_thread(hashed.hashed, code)
            await asyncio.to_thread(hashed.write, self._path, made)
            if self._one_time is offered:
                self._one_time = None
            self._code = made
            self._ends_ms.clear()
            return self._begin()

    async def open(self, code: str, client: str) -> Session:
        """Open a session for whoever gives the code. Raises WrongCodeError, BackOffError."""
        tries = self._try(client)
        code = typed(code)
        async with self._hashing:
            if self._code is None or not is_code(code) or not await asyncio.to_thread(self._code.matches, code):
                raise WrongCodeError
        tries.forget()
        return self._begin()

    def session(self, token: str) -> Session | None:
        """Return the session of a cookie's token while it lasts."""
        return Session(token, _csrf(token)) if self._ms_left(token) > 0 else None

    def seconds_left(self, session: Session) -> int:
        """Return how long a session lasts if nothing more is done."""
        return max(0, self._ms_left(session.token)) // 1000

    def used(self, session: Session) -> None:
        """Note that somebody did something: the session lasts from now on again."""
        if self._ms_left(session.token) > 0:
            self._last(session.token)

    def close(self, session: Session) -> None:
        """End a session."""
        self._ends_ms.pop(_key(session.token), None)

    def _try(self, client: str) -> Tries:
        """Count a try of a client before anything is awaited. Raises BackOffError."""
        tries = self._tries[is_loopback(client)]
        if seconds := tries.take(self._clock.read_uptime_ms()):
            raise BackOffError(seconds)
        return tries

    def _begin(self) -> Session:
        token = secrets.token_urlsafe(32)
        self._last(token)
        while len(self._ends_ms) > MAX_SESSIONS:
            del self._ends_ms[next(iter(self._ends_ms))]
        return Session(token, _csrf(token))

    def _last(self, token: str) -> None:
        key = _key(token)
        self._ends_ms.pop(key, None)
        self._ends_ms[key] = self._clock.read_uptime_ms() + SESSION_MS

    def _ms_left(self, token: str) -> int:
        return self._ends_ms.get(_key(token), 0) - self._clock.read_uptime_ms()


def _key(token: str) -> bytes:
    """Return what is kept of a token: a look-up by it tells nothing about the token by how long it takes."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _csrf(token: str) -> str:
    """Return the token of every action, which only the session's own page can know."""
    return hmac.new(token.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
