"""What paho does not do, or not fast enough: the properties of a PUBLISH, and what TCP knows of the line."""

import fcntl
import socket
import struct
import termios
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Packed:
    """Ready-made properties, as paho asks for them."""

    packed: bytes

    def pack(self) -> bytes:
        """Return the bytes."""
        return self.packed


def tcp_flow(sock: socket.socket) -> tuple[int, int]:
    """Return the bytes that the other side's TCP has not taken yet, and those it has taken since the beginning."""
    queued = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]  # SIOCOUTQ, tcp(7)
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    return queued, _BYTES_ACKED.unpack(info)[0] if len(info) == _BYTES_ACKED.size else 0


_BYTES_ACKED = struct.Struct("=120xQ")  # struct tcp_info in linux/tcp.h: tcpi_bytes_acked, since Linux 4.1
_u16 = struct.Struct("!H").pack
_CONTENT_TYPE, _USER_PROPERTY = b"\x03", b"\x26"  # MQTT 5, section 2.2.2.2


def pack_properties(user: Sequence[tuple[str, str]], content_type: str | None) -> bytes:
    """Return the properties of a PUBLISH packet, their length in front (MQTT 5, section 3.3.2.3)."""
    body = b"" if content_type is None else _CONTENT_TYPE + _text(content_type)
    body += b"".join(_USER_PROPERTY + _text(name) + _text(value) for name, value in user)
    return variable_length(len(body)) + body


def variable_length(value: int) -> bytes:
    """Return a Variable Byte Integer (MQTT 5, section 1.5.5)."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return _u16(len(encoded)) + encoded
