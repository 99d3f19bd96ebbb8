"""The tables of ``[[device]]``: one class a kind; what a device's decoder adds to them is put together here."""

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BeforeValidator, Field, ValidationInfo, create_model

from edge_agent import decoders
from edge_agent.config.addresses import Host, ListenAddress
from edge_agent.config.problems import RefusedError
from edge_agent.fields import Duration, Ident, Settings

# What the contract names and a later version brings.
LATER_KINDS = frozenset({"nfc", "pcsc", "ble"})
LATER_DECODERS = frozenset({"linedisplay", "scanner", "scale", "ecr"})

_PORT_NAME = re.compile(r"tty[A-Za-z]\w*")


def _port(value: object, info: ValidationInfo) -> object:
    """Take a relative path from the folder in the validation context, as every path in a configuration is taken."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value or "://" in value or value.startswith("COM"):
        raise RefusedError("must be a device's path", ("/dev/serial/by-id/…", "/dev/serial/by-path/…", "/dev/tty…"))
    if _PORT_NAME.fullmatch(value):
        raise RefusedError("must be a device's path", suggestion=f"/dev/{value}")
    folder = info.context if isinstance(info.context, Path) else Path()
    return str(folder / value)


class DeviceSettings(Settings):
    """What every device has: an id that never changes, a name people use, and the touchpoint it stands at."""

    LATER: ClassVar[frozenset[str]] = frozenset({"passthrough", "drive"})

    id: Ident
    name: str = Field(default_factory=lambda validated: validated.get("id", ""))
    kind: str
    touchpoint: Ident


class LineSettings(DeviceSettings):
    """A device that is a stream of bytes with a decoder behind it.

    ``templates``: the receipt templates to try, in order; none named: all shipped ones and the store's own.
    ``idle_end``: a receipt without a cut ends after this silence.
    """

    decoder: str
    templates: tuple[Ident, ...] | None = None
    idle_end: Duration = Field(default=timedelta(seconds=2), ge=timedelta(milliseconds=10), le=timedelta(minutes=5))


class SerialSettings(LineSettings):
    """A serial port. Name it by ``/dev/serial/by-id`` or ``by-path``: ``ttyUSB0`` moves when plugs move."""

    kind: Literal["serial"]
    port: Annotated[str, BeforeValidator(_port, json_schema_input_type=str)]
    baudrate: int = Field(default=9600, ge=50, le=4_000_000)  # Linux's B50 .. B4000000, termios(3)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: Literal[1, 2] = 1
    xonxoff: bool = False
    rtscts: bool = False


class TcpSettings(LineSettings):
    """A serial device server, or a register that listens: the agent connects."""

    kind: Literal["tcp"]
    host: Host
    port: int = Field(ge=1, le=65535)


class TcpListenSettings(LineSettings):
    """The agent listens, as a network printer does; registers connect."""

    kind: Literal["tcp-listen"]
    listen: ListenAddress


KINDS: dict[str, type[LineSettings]] = {"serial": SerialSettings, "tcp": TcpSettings, "tcp-listen": TcpListenSettings}


@cache
def device_model(kind: str, decoder: str) -> type[LineSettings]:
    """Return the settings of a kind with those of a decoder, which is imported for it. Raises KeyError, ImportError."""
    name = f"{KINDS[kind].__name__}-{decoder}"
    only: Any = (Literal[decoder], ...)  # the name is known only now
    bases = (KINDS[kind], decoders.settings_model(decoder))
    return cast("type[LineSettings]", create_model(name, __base__=bases, decoder=only))
