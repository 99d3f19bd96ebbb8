"""The tables of ``[[device]]``: one class a kind; what a line's decoder adds to them is put together here."""

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BeforeValidator, Field, ValidationInfo, create_model

from edge_agent import decoders
from edge_agent.config.addresses import Host, ListenAddress, parse_tcp
from edge_agent.config.files import SdmKeysFile
from edge_agent.config.problems import RefusedError
from edge_agent.fields import Adapter, Aid, Duration, Ident, Settings

_PORT_NAME = re.compile(r"tty[A-Za-z]\w*")
# What nfcpy itself takes (nfc/clf/__init__.py, open): a tty is matched in /dev, where an underscore never does.
_NFCPY_PATH = re.compile(
    r"tty:[A-Za-z0-9-]+:(?:pn532|arygon)|udp(?::[A-Za-z0-9.-]+:\d{1,5})?|usb(?::[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4})?|:\d{3}(?::\d{3})?)?"
)


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


def _passthrough(value: object, info: ValidationInfo) -> object:
    """Take a printer's address, or a path as any port's."""
    if isinstance(value, str) and "://" in value:
        parse_tcp(value)
        return value
    return _port(value, info)


class DeviceSettings(Settings):
    """What every device has: an id that never changes, a name people use, and the touchpoint it stands at."""

    LATER: ClassVar[frozenset[str]] = frozenset()

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
    """A serial port. Name it by ``/dev/serial/by-id`` or ``by-path``: ``ttyUSB0`` moves when plugs move.

    ``passthrough``: the port or ``tcp://`` address of what the register prints or shows on, served by `edge-agent
    relay`. ``drive``: the agent may write on that line display, too.
    """

    kind: Literal["serial"]
    port: Annotated[str, BeforeValidator(_port, json_schema_input_type=str)]
    baudrate: int = Field(default=9600, ge=50, le=4_000_000)  # Linux's B50 .. B4000000, termios(3)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O", "M", "S"] = "N"
    stopbits: Literal[1, 2] = 1
    xonxoff: bool = False
    rtscts: bool = False
    passthrough: Annotated[str, BeforeValidator(_passthrough, json_schema_input_type=str)] | None = None
    drive: bool = False


class TcpSettings(LineSettings):
    """A serial device server, or a register that listens: the agent connects."""

    LATER: ClassVar[frozenset[str]] = frozenset({"passthrough"})

    kind: Literal["tcp"]
    host: Host
    port: int = Field(ge=1, le=65535)


class TcpListenSettings(LineSettings):
    """The agent listens, as a network printer does; registers connect."""

    LATER: ClassVar[frozenset[str]] = frozenset({"passthrough"})

    kind: Literal["tcp-listen"]
    listen: ListenAddress


def _reader_path(value: object, info: ValidationInfo) -> object:
    """Take what nfcpy takes; a UART's path is taken from the folder in the validation context."""
    if not isinstance(value, str):
        return value
    if _NFCPY_PATH.fullmatch(value):
        return value
    uart, _, driver = value.rpartition(":")
    if not uart or driver != "pn532" or "\0" in uart or uart.startswith(("tty:", "com:", "usb:", "udp:")):
        forms = ("tty:NAME:pn532", "/any/uart/path:pn532", "usb:072f:2200", "usb")
        raise RefusedError("must be a reader's path", forms)
    folder = info.context if isinstance(info.context, Path) else Path()
    return f"{folder / uart}:{driver}"


TagType = Literal["type2", "type3", "type4", "classic"]


class TagReaderSettings(DeviceSettings):
    """A device that reads tags and telephones.

    ``sdm_keys_file``: the keys that verify NTAG 424 DNA tags. ``aids``: phone applications asked for a token.
    ``debounce``: the same identity again within it is the same tap. ``tag_types``: what is read; others are let be.
    """

    sdm_keys_file: SdmKeysFile | None = None
    aids: tuple[Aid, ...] = Field(default=(), max_length=8)
    debounce: Duration = Field(default=timedelta(seconds=60), ge=timedelta(0), le=timedelta(days=1))
    tag_types: tuple[TagType, ...] = Field(default=("type2", "type3", "type4", "classic"), min_length=1)


class NfcSettings(TagReaderSettings):
    """An NFC reader that nfcpy drives."""

    kind: Literal["nfc"]
    path: Annotated[str, BeforeValidator(_reader_path, json_schema_input_type=str)]


class PcscSettings(TagReaderSettings):
    """A PC/SC reader. ``reader``: its name, or a part of it that no other reader's has."""

    kind: Literal["pcsc"]
    reader: str = Field(min_length=1)


class BleSettings(DeviceSettings):
    """A Bluetooth adapter that listens for advertisements."""

    kind: Literal["ble"]
    adapter: Adapter = "hci0"


LINE_KINDS: dict[str, type[LineSettings]] = {
    "serial": SerialSettings,
    "tcp": TcpSettings,
    "tcp-listen": TcpListenSettings,
}
# Devices that are no lines: no decoder makes sense of them, their drivers do.
READER_KINDS: dict[str, type[DeviceSettings]] = {"nfc": NfcSettings, "pcsc": PcscSettings, "ble": BleSettings}
KINDS: dict[str, type[DeviceSettings]] = {**LINE_KINDS, **READER_KINDS}


@cache
def line_model(kind: str, decoder: str) -> type[LineSettings]:
    """Return the settings of a kind with those of a decoder, which is imported for it. Raises KeyError, ImportError."""
    name = f"{LINE_KINDS[kind].__name__}-{decoder}"
    only: Any = (Literal[decoder], ...)  # the name is known only now
    bases = (LINE_KINDS[kind], decoders.settings_model(decoder))
    return cast("type[LineSettings]", create_model(name, __base__=bases, decoder=only))
