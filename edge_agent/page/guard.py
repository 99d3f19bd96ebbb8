"""What every request must pass, and what every answer says to the browser: Host, Origin, headers, rates."""

from aiohttp.typedefs import Middleware

from edge_agent.config.agent import PageSettings


def guards(settings: PageSettings) -> list[Middleware]:
    """Return the middlewares, outermost first.

    421 for a Host that is not this box (DNS rebinding); 403 for a POST whose Origin is not the page's own; 429 for
    more requests than a person's browser makes. Requests over the control socket pass: it is this box's own user's.
    """
    raise NotImplementedError


def is_loopback(address: str) -> bool:
    """Tell whether a request comes from this machine; IPv4 inside IPv6 is taken as IPv4."""
    raise NotImplementedError
