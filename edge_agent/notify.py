"""What the service manager is told: sd_notify(3), datagrams of lines to the socket that ``$NOTIFY_SOCKET`` names."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Self


class Notifier:
    """Tells systemd how this process is; where nobody asked to be told, nothing happens.

    ``watchdog_s``: the manager wants a sign of life that often, None: it does not (sd_watchdog_enabled(3)).
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """``address``: a path, or ``@`` and a name of Linux's abstract namespace; empty: of nobody."""
        self.watchdog_s = watchdog_s if address else None
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> Self:
        """Return what the environment says, and take it out: it is said to this process, not to its children."""
        address = environment.pop("NOTIFY_SOCKET", "")
        microseconds = environment.pop("WATCHDOG_USEC", "")
        pid = environment.pop("WATCHDOG_PID", "")
        is_ours = microseconds.isdecimal() and int(microseconds) > 0 and pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if is_ours else None)

    @property
    def is_supervised(self) -> bool:
        """Whether a service manager started this process, and starts it again when it ends."""
        return bool(self._address)

    def ready(self) -> None:
        """Tell that it has started."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Tell that it has begun to end."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Tell in one line how it is."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def extend(self, seconds: float) -> None:
        """Ask for so much time from now on, to start; to be asked for again before it is over."""
        self._tell(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        # Never waits: a manager that does not read is told less, and no till is kept waiting.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
            told.setblocking(False)
            told.sendto(line.encode("utf-8", "replace"), self._address)
