"""What every request must pass, and what every answer says to the browser: Host, Origin, headers, rates."""

import asyncio
import ipaddress
import math
import re
import socket
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge_agent.config.agent import PageSettings
from edge_agent.page.rates import Rates, client_of

# The page and its dozen of files, opened again and again in several windows, or a hundred streams that come back at
# once after a restart; then 40 requests a second, which at 2 ms each are 8 % of one core.
BURST = 240
PER_SECOND = 40

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1: they change nothing
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65_535

# Addresses of a shop's own network, which no name server decides on: RFC 1122, 1918, 3927, 6598 (carriers' and VPNs'
# networks); RFC 4291 (loopback, link-local), 4193.
_OWN_V4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
_OWN_V6 = ("::1/128", "fe80::/10", "fc00::/7")
_OWN_NETWORKS = tuple(ipaddress.ip_network(network) for network in (*_OWN_V4, *_OWN_V6))
# RFC 9110, 7.2 and RFC 3986, 3.2.2, without user information and escapes, which no browser sends in a Host.
_HOST = re.compile(
    r"(?:\[(?P<literal>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?"
)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# Not no-referrer: with it Chrome sends `Origin: null` with the page's own posts.
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Only where the browser trusts the origin: elsewhere Chrome ignores it, and complains of that on every page.
TRUSTED_HEADERS = {"Cross-Origin-Opener-Policy": "same-origin"}


def guards(settings: PageSettings) -> list[Middleware]:
    """Return the middlewares, outermost first.

    421 for a Host that is not this box (DNS rebinding); 403 for a POST whose Origin is not the page's own; 415 for one
    that is not JSON; 429 for more requests than a person's browser makes. Requests over the control socket pass: it
    is this box's own user's. ``set_headers`` belongs to them, as a signal.
    """
    rates = Rates(BURST, PER_SECOND)
    names = frozenset({"localhost", *(name.lower().removesuffix(".") for name in settings.allowed_hosts)})

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_control(request):
            _check_rate(request, rates)
            _check_host(request, names)
            _check_site(request)
            if request.method not in SAFE_METHODS:
                _check_origin(request)
                if request.content_type != "application/json":  # a form elsewhere cannot send that without asking first
                    raise web.HTTPUnsupportedMediaType(text="only application/json\n")
        return await handler(request)

    return [guard]


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the browser to be strict, with every answer; what a handler has set itself stays."""
    for name, value in (HEADERS | TRUSTED_HEADERS if _is_trusted(request) else HEADERS).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.popall("Server", None)  # the versions of what serves are nobody's business


def is_control(request: web.Request) -> bool:
    """Tell whether a request comes over the control socket.

    The socket is asked, not the peer's name: that is empty, too, where a TCP client has already gone.
    """
    connection = request.get_extra_info("socket")
    return connection is not None and connection.family == socket.AF_UNIX


def _is_trusted(request: web.Request) -> bool:
    """Tell whether browsers take the origin as trustworthy: W3C Secure Contexts, 3.1."""
    name = _name(request.host)
    return request.secure or name == "localhost" or is_loopback(name)


def is_loopback(address: str) -> bool:
    """Tell whether a request comes from this machine; IPv4 inside IPv6 is taken as IPv4."""
    parsed = _address(address)
    return parsed is not None and parsed.is_loopback


def address_of(request: web.Request) -> str:
    """Return the address of whoever asks; loopback's for this machine itself, also where it takes its network address.

    A till's own browser often does; nobody else can have a TCP connection from the address that it goes to.
    """
    remote = request.remote or ""
    return "127.0.0.1" if remote and remote == _reached(request) else remote


def _reached(request: web.Request) -> str:
    """Return which of this box's addresses was connected to."""
    name = request.get_extra_info("sockname")
    return str(name[0]) if isinstance(name, tuple) else ""


def _check_rate(request: web.Request, rates: Rates) -> None:
    wait_s = rates.wait_s(client_of(request.remote or ""), asyncio.get_running_loop().time())
    if wait_s:
        raise web.HTTPTooManyRequests(text="too many requests\n", headers={"Retry-After": str(math.ceil(wait_s))})


def _check_host(request: web.Request, names: frozenset[str]) -> None:
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1:  # RFC 9112, 3.2
        raise web.HTTPBadRequest(text="exactly one Host is needed\n")
    # ``request.host`` is the request target's, where that is a whole URL: it is the one that counts (RFC 9112, 3.2.2).
    names |= {_reached(request)}  # whatever the network is numbered like
    if not (_is_own(hosts[0], names) and _is_own(request.host, names)):
        raise web.HTTPMisdirectedRequest(text="this name is not in allowed_hosts of [page]\n")


def _is_own(host: str, names: frozenset[str]) -> bool:
    name = _name(host)
    if not name or name in names:
        return bool(name)
    address = _address(name)
    return address is not None and any(address in network for network in _OWN_NETWORKS)


def _name(host: str) -> str:
    """Return the name or address in a Host; empty for what is none."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) > _LAST_PORT:
        return ""
    return (found["literal"] or found["name"]).lower().removesuffix(".")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address, IPv4 inside IPv6 as IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _check_site(request: web.Request) -> None:
    """Refuse what another site asks for, but a link to the page, where the browser tells (not on plain http)."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and (
        request.method not in SAFE_METHODS or request.headers.get("Sec-Fetch-Mode") != "navigate"
    ):
        raise web.HTTPForbidden(text="not for another site\n")


def _check_origin(request: web.Request) -> None:
    """Refuse what another page sends. A browser names the sender in Origin, an old one at least in Referer."""
    origins = ", ".join(request.headers.getall("Origin", ()))  # more than one, which no browser sends, are no URL
    sender = origins or request.headers.get("Referer") or ""
    own = _origin(f"{request.scheme}://{request.headers['Host']}")
    if own is None or _origin(sender) != own:
        raise web.HTTPForbidden(text="not sent by this page\n")


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a URL (RFC 6454, 4); None for what has none, which equals no page's."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, host.removesuffix("."), port) if host else None
