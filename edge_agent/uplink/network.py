"""Notice that the machine's own network has come back: an address, or a cable."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator

# The numbers are those of the manual pages rtnetlink and netlink, section 7.
_GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change
_NEW_LINK, _NEW_ADDRESS = 16, 20
_RUNNING = 0x40  # IFF_RUNNING, netdevice(7): a cable with somebody at its other end


class Links:
    """Which links run, as rtnetlink tells it."""

    def __init__(self) -> None:
        self._down: set[int] = set()

    def returned(self, data: bytes) -> bool:
        """Read one datagram; return whether it says that something came back."""
        returned = False
        while len(data) >= _HEADER.size:
            length, kind, *_ = _HEADER.unpack_from(data)
            if kind == _NEW_ADDRESS:
                returned = True
            elif kind == _NEW_LINK and len(data) >= _HEADER.size + _LINK.size:
                _, _, index, flags, _ = _LINK.unpack_from(data, _HEADER.size)
                if not flags & _RUNNING:
                    self._down.add(index)
                elif index in self._down:
                    self._down.discard(index)
                    returned = True
            data = data[max(_HEADER.size, (length + 3) & ~3) :]
        return returned


@contextlib.contextmanager
def network_watched(returned: Callable[[], None]) -> Iterator[None]:
    """Call ``returned`` on the loop whenever the network comes back; where the kernel does not tell, never."""
    try:
        watch = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    except OSError:  # forbidden by a sandbox: the back-off alone decides
        yield
        return
    links = Links()

    def read() -> None:
        try:
            data = watch.recv(65_536)
        except OSError:  # ENOBUFS: there was more news than room, so there is news
            returned()
            return
        if links.returned(data):
            returned()

    loop = asyncio.get_running_loop()
    with watch:
        watch.bind((0, _GROUPS))
        loop.add_reader(watch, read)
        try:
            yield
        finally:
            loop.remove_reader(watch)
