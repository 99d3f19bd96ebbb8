"""Network addresses as they are written in a configuration."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from edge_agent.config.problems import RefusedError, closest

# Registered with IANA: mqtt, secure-mqtt.
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}

_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_URL_SHAPE = "mqtts://HOST", "mqtts://HOST:PORT"
_LISTEN_SHAPE = "ADDRESS:PORT", "[IPV6]:PORT"
_TCP_SHAPE = "tcp://HOST:PORT", "tcp://[IPV6]:PORT"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. ``tls``: whether the connection is encrypted."""

    host: str
    port: int
    tls: bool


def parse_url(url: str) -> Broker:
    """Return what ``mqtt://host:port`` or ``mqtts://…`` says. Raises RefusedError, which never repeats the text."""
    scheme, found, _ = url.partition("://")
    if not found or scheme not in DEFAULT_PORTS:
        meant = closest(scheme, DEFAULT_PORTS) if found else None
        raise RefusedError("must begin with mqtt:// or mqtts://", _URL_SHAPE, f"{meant}://" if meant else None)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RefusedError("is not an address", _URL_SHAPE) from None
    if parts.username is not None or parts.password is not None:
        raise RefusedError("holds a user or a password: use username and password_file", _URL_SHAPE)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise RefusedError("goes on after the port", _URL_SHAPE)
    if host is None or not is_host(host) or not url.isascii() or not url.isprintable() or port == 0:
        raise RefusedError("is not an address", _URL_SHAPE)
    return Broker(host, port or DEFAULT_PORTS[scheme], scheme == "mqtts")


def parse_listen(text: str) -> tuple[str, int]:
    """Return the host and port of ``127.0.0.1:8080`` or ``[::1]:8080``; port 0: any free one. Raises RefusedError."""
    host, found, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not found or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise RefusedError("must be an address and a port", _LISTEN_SHAPE)
    if bracketed != (":" in host) or not is_host(host):
        raise RefusedError("must be an address and a port", _LISTEN_SHAPE)
    return host, int(port)


def parse_tcp(text: str) -> tuple[str, int]:
    """Return the host and port of ``tcp://192.0.2.10:9100`` or ``tcp://[2001:db8::1]:9100``. Raises RefusedError."""
    scheme, found, rest = text.partition("://")
    try:
        host, port = parse_listen(rest)
    except RefusedError:
        host, port = "", 0
    if scheme != "tcp" or not found or port == 0:
        raise RefusedError("must be a printer's address and port", _TCP_SHAPE)
    return host, port


def is_host(text: str) -> bool:
    """Tell whether the text is an IP address or could be a host's name."""
    return _ip(text) is not None or _HOST_NAME.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    address = _ip(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def overlap(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Tell whether two listeners would fight for one port; port 0 fights with nobody."""
    same_host = one[0].lower() == other[0].lower() or any(_is_wildcard(host) for host in (one[0], other[0]))
    return one[1] == other[1] != 0 and same_host


def _is_wildcard(host: str) -> bool:
    address = _ip(host)
    return address is not None and address.is_unspecified


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _host(value: str) -> str:
    if not is_host(value):
        raise RefusedError("must be a host's name or an IP address")
    return value


def _listen(value: str) -> str:
    parse_listen(value)
    return value


def _url(value: str) -> str:
    parse_url(value)
    return value


Host = Annotated[str, AfterValidator(_host)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
MqttUrl = Annotated[str, AfterValidator(_url)]
