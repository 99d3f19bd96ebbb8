"""How often a client may ask: a token bucket for each, in bounded memory."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

MAX_CLIENTS = 1024  # of some 200 bytes: a shop has a dozen, and whoever makes up addresses costs 200 kB


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Rates:
    """Token buckets by client. A client that was not heard of for long begins with a full one."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()  # the longest unheard of first

    def wait_s(self, client: str, now_s: float) -> float:
        """Take one token of a client. Returns 0, or how many seconds it has to wait for one (none is taken then)."""
        bucket = self._buckets.setdefault(client, _Bucket(self._burst, now_s))
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.at_s) * self._per_second)
        bucket.at_s = now_s
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0


def client_of(address: str) -> str:
    """Return whom an address stands for: itself, or for IPv6 its network, of which one machine has all addresses.

    RFC 8981 gives a machine any number of addresses in its /64; link-local ones all share one network.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.is_link_local or parsed.ipv4_mapped:
        return address
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
