"""The two things a relay stands between: a serial port, or a connection to a printer. Each gives one descriptor."""

import asyncio
import os
import socket
import termios
from contextlib import suppress
from functools import partial
from typing import Protocol

from edge_agent.errors import DeviceError
from edge_agent.own_thread import OwnThread
from edge_agent.relay.settings import SerialLine, TcpAddress
from edge_agent.serial_port import Port, opened

# A SYN is sent at 0, 1 and 3 s (Linux, RFC 6298); the attempt is repeated anyway.
CONNECT_S = 5.0
# An idle peer that lost power is noticed within a minute.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
# Unanswered time-outs of 0.2 s, doubling: seven are 25 s. A printer without paper answers every probe, for days.
_UNANSWERED = 7
_TCP_INFO_HEAD = 4  # struct tcp_info (linux/tcp.h): state, ca_state, retransmits, probes


class End(Protocol):
    """One outside thing, open or closed."""

    async def open(self) -> int:
        """Return a descriptor that does not block. Raises DeviceError."""
        ...

    def vanished(self) -> bool:
        """Tell whether the other side has stopped answering, though nothing said so."""
        ...

    def close(self) -> None:
        """Close what is open; what the kernel has taken is still delivered."""
        ...


def end_for(line: SerialLine | TcpAddress, inherited: int | None = None) -> End:
    """Return the end that settings name, not yet open; ``inherited``: a serial port's descriptor that is."""
    return SerialEnd(line, inherited) if isinstance(line, SerialLine) else TcpEnd(line)


class SerialEnd:
    """A serial port."""

    def __init__(self, line: SerialLine, inherited: int | None = None) -> None:
        """``inherited``: a descriptor that is open already, and set as ``line`` says."""
        self._line = line
        self._port: Port | None = None
        self._inherited = inherited

    async def open(self) -> int:
        """Open it; a driver that hangs is told, and holds up nobody else."""
        if self._inherited is not None:
            return self._inherited
        port = await opened(self._line)
        with suppress(ValueError, OSError, termios.error):  # not every driver knows it; FTDI's else waits 16 ms
            port.set_low_latency_mode(True)
        self._port = port
        return int(port.fileno())

    def vanished(self) -> bool:
        """Hear of nothing: a port that goes says so, and one that takes nothing is a printer that is busy."""
        return False

    def close(self) -> None:
        """Close it; the kernel goes on writing what it has taken for up to 30 s (termios, closing_wait)."""
        if self._inherited is not None:
            os.close(self._inherited)
            self._inherited = None
        if self._port is not None:
            self._port.close()
            self._port = None


class TcpEnd:
    """A connection to a printer."""

    def __init__(self, address: TcpAddress) -> None:
        self._address = address
        self._resolver = OwnThread("resolve")
        self._socket: socket.socket | None = None

    async def open(self) -> int:
        """Connect."""
        where = f"{self._address.host}:{self._address.port}"
        try:
            async with asyncio.timeout(CONNECT_S):
                connected = await self._connect()
        except TimeoutError:
            raise DeviceError("timeout", f"{where}: no answer; is it switched on?") from None
        except ConnectionRefusedError:
            raise DeviceError("refused", f"{where}: nothing listens on this port") from None
        except socket.gaierror as error:
            raise DeviceError("unknown_host", f"{where}: {error.strerror}") from None
        except OSError as error:
            raise DeviceError("unreachable", f"{where}: {error.strerror or error}") from None
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
        self._socket = connected
        return connected.fileno()

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        if self._resolver.busy:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
        look_up = partial(socket.getaddrinfo, self._address.host, self._address.port, type=socket.SOCK_STREAM)
        found = await self._resolver.run(look_up, lambda _: None)
        family, kind, protocol, _, address = found[0]
        attempt = socket.socket(family, kind, protocol)
        try:
            attempt.setblocking(False)
            await loop.sock_connect(attempt, address)
        except BaseException:
            attempt.close()
            raise
        return attempt

    def vanished(self) -> bool:
        """Count what TCP has sent again, and asked, in vain."""
        if self._socket is None:
            return False
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_HEAD)
        return max(info[2], info[3]) >= _UNANSWERED

    def close(self) -> None:
        """Say that no more comes; unread bytes would turn that into a reset, which takes printed lines with it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while os.read(self._socket.fileno(), 4096):
                    pass
            self._socket.close()
            self._socket = None
