"""`edge-agent pair`: ask the running daemon for the one-time code that lets a manager set theirs."""

import fcntl
import ipaddress
import json
import socket
import struct
from dataclasses import dataclass
from datetime import datetime

from edge_agent.clock import Clock
from edge_agent.commands.status import post
from edge_agent.config import Config
from edge_agent.config.agent import PageSettings
from edge_agent.page.words import words

_SIOCGIFADDR = 0x8915  # netdevice(7): the IPv4 address of an interface
_IFREQ = struct.Struct("16s24x")  # its name; room for the kernel's answer, the address at 20
_ADDRESS_AT = 20


@dataclass(frozen=True, slots=True)
class Pairing:
    """A one-time code, for how long it may be used (``until``: by the store's clock), and where."""

    code: str
    minutes: int
    until: datetime
    urls: tuple[str, ...]


def pair(config: Config) -> Pairing | None:
    """Return a new one-time code of the daemon that serves this configuration's state directory, or None."""
    try:
        answer = json.loads(post(config, "/api/pairing") or b"null")
    except ValueError:  # a daemon of another version does not know the address
        return None
    if not isinstance(answer, dict) or "code" not in answer:
        return None
    minutes = answer["minutes"]
    until = datetime.fromtimestamp(Clock().now().wall_ms / 1000 + 60 * minutes, config.store.zone)
    return Pairing(answer["code"], minutes, until, tuple(urls(config.agent.page)))


def render(pairing: Pairing, language: str) -> str:
    """Return what the installer reads to the manager, in a language (``zh`` ``en``)."""
    say = words(language).say
    half = len(pairing.code) // 2
    return "\n".join(
        [
            say("pair.code", code=f"{pairing.code[:half]} {pairing.code[half:]}"),
            say("pair.valid", minutes=pairing.minutes, until=pairing.until.strftime("%H:%M")),
            f"  1. {say('pair.open')}",
            *(f"     {url}" for url in pairing.urls or (say("pair.no_port"),)),
            f"  2. {say('pair.enter')}",
        ]
    )


def urls(page: PageSettings) -> list[str]:
    """Return where the page can be opened, the names first; none where its port is not known beforehand."""
    scheme, usual = ("https", 443) if page.certificate else ("http", 80)
    if page.port == 0:
        return []
    port = "" if page.port == usual else f":{page.port}"
    hosts = (*page.allowed_hosts, *_hosts(page.host))
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}{port}/" for host in dict.fromkeys(hosts)]


def _hosts(listening: str) -> list[str]:
    """Return the addresses behind the one that is listened on: of a wildcard, those of this box's network."""
    try:
        if not ipaddress.ip_address(listening).is_unspecified:
            return [listening]
    except ValueError:
        return [listening]
    return [address for address in _own_addresses() if not address.startswith("127.")] or ["localhost"]


def _own_addresses() -> list[str]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asking, _SIOCGIFADDR, _IFREQ.pack(name.encode()))
            except OSError:  # it has none
                continue
            found.append(socket.inet_ntoa(answer[_ADDRESS_AT : _ADDRESS_AT + 4]))
    return found
