"""The tables of ``[[device]]``: one class a kind. A decoder's own settings are added to the kind's when loading."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from edge_agent.fields import Duration, Ident, Settings


class DeviceSettings(Settings):
    """What every device has: an id that never changes, a name people use, and the touchpoint it stands at."""

    id: Ident
    name: str = ""
    touchpoint: Ident


class LineSettings(DeviceSettings):
    """A device that is a stream of bytes with a decoder behind it."""

    decoder: str
    idle_end: Duration = timedelta(seconds=2)  # a receipt without a cut ends after this silence


class SerialSettings(LineSettings):
    """A serial port. Name it by ``/dev/serial/by-id`` or ``by-path``: ``ttyUSB0`` moves when plugs move."""

    kind: Literal["serial"]
    port: str
    baudrate: int = Field(9600, ge=50, le=4_000_000)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: Literal[1, 2] = 1
    xonxoff: bool = False
    rtscts: bool = False


class TcpSettings(LineSettings):
    """A serial device server, or a register that listens: the agent connects."""

    kind: Literal["tcp"]
    host: str
    port: int = Field(ge=1, le=65535)


class TcpListenSettings(LineSettings):
    """The agent listens, as a network printer does; registers connect."""

    kind: Literal["tcp-listen"]
    listen: str
