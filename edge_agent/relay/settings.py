"""What one relay is to do, in the form in which it is handed to its process."""

import hashlib

import msgspec


class SerialLine(msgspec.Struct, frozen=True, tag="serial"):
    """A serial port and how its line is set: fields as in a serial ``[[device]]``."""

    port: str
    baudrate: int
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1
    xonxoff: bool = False
    rtscts: bool = False


class TcpAddress(msgspec.Struct, frozen=True, tag="tcp"):
    """A printer on the network that takes a raw stream, usually on port 9100."""

    host: str
    port: int


class Settings(msgspec.Struct, frozen=True):
    """One device's pass-through.

    ``display``: the keys of decoder ``linedisplay``, as in a configuration, if the agent may write on that line
    display, too; None: nothing is ever added.
    """

    device: str
    register: SerialLine
    printer: SerialLine | TcpAddress
    display: dict[str, str | int] | None = None

    def fingerprint(self) -> str:
        """Return a text that is the same for the same settings only."""
        return hashlib.sha256(encode(self)).hexdigest()


def encode(settings: Settings) -> bytes:
    """Return the settings as JSON."""
    return msgspec.json.encode(settings)


def decode(data: bytes | str) -> Settings:
    """Return the settings in JSON. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Settings)
