"""Who may pass: the manager's code, the one-time code that first sets it, and the sessions of those who gave it."""

from dataclasses import dataclass
from pathlib import Path

from edge_agent.clock import Clock


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

    token: str
    csrf: str


class Door:
    """The manager's code on disk, hashed, and who gave it lately, in memory."""

    def __init__(self, state_dir: Path, clock: Clock) -> None: ...

    @property
    def has_code(self) -> bool:
        """Whether a manager has set a code."""
        raise NotImplementedError

    def pairing_code(self) -> str:
        """Return a new one-time code, which lets a manager set theirs; it replaces an earlier one and expires."""
        raise NotImplementedError

    async def set_code(self, pairing: str, code: str, client: str) -> Session:
        """Set the manager's code (six digits) and open a session; all other sessions end.

        ``client``: the address that asks. Raises WrongCodeError, BackOffError, ValueError (not a code one may choose),
        StorageError where it can't be kept.
        """
        raise NotImplementedError

    async def open(self, code: str, client: str) -> Session:
        """Open a session for whoever gives the code. Raises WrongCodeError, BackOffError."""
        raise NotImplementedError

    def session(self, token: str) -> Session | None:
        """Return the session of a cookie's token while it lasts."""
        raise NotImplementedError

    def used(self, session: Session) -> None:
        """Note that somebody did something: the session lasts from now on again."""
        raise NotImplementedError

    def close(self, session: Session) -> None:
        """End a session."""
        raise NotImplementedError
