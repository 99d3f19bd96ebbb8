"""Who sends an advertisement: a person enrolled, a badge of the shop's, or anybody."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeVar

from edge_agent.identities import Identity
from edge_agent.identities.beacons import eddystone_eid, eddystone_uid, ibeacon
from edge_agent.identities.enrolled import Carrier, Enrolled
from edge_agent.identities.private_address import Resolver
from edge_agent.identities.rotating import RotatingCodes
from edge_agent.observations import Advertisement

MOST_REMEMBERED = 5000  # as many devices as presence follows

_Key = TypeVar("_Key")
_Payload = tuple[str, tuple[tuple[int, bytes], ...], tuple[tuple[str, bytes], ...]]


@dataclass(frozen=True, slots=True)
class Sighted:
    """Who was recognised, and what carries the identity: that decides how long silence means nothing."""

    identity: Identity | None
    carrier: Literal["badge", "phone", "anonymous"]


ANONYMOUS = Sighted(None, "anonymous")


class Sightings:
    """Recognises senders, and remembers what it made of the last ``MOST_REMEMBERED`` advertisements.

    ``ibeacon_uuids``: of the shop's own beacons, others are anonymous. ``eddystone_namespaces``: the same for
    Eddystone-UID, in hex; None: all are taken.
    """

    def __init__(
        self,
        enrolled: Enrolled | None,
        ibeacon_uuids: Collection[str],
        eddystone_namespaces: tuple[str, ...] | None,
    ) -> None:
        enrolled = enrolled or Enrolled()
        self._service_uuid = enrolled.service_uuid
        self._ibeacon_uuids = {uuid.lower() for uuid in ibeacon_uuids}
        self._namespaces = None if eddystone_namespaces is None else {name.lower() for name in eddystone_namespaces}
        self._codes = RotatingCodes(enrolled)
        self._resolver = Resolver((carrier.irk, carrier) for carrier in enrolled.carriers if carrier.irk)
        self._clock_known = False
        self._by_payload: OrderedDict[_Payload, Sighted] = OrderedDict()
        self._by_address: OrderedDict[str, Sighted] = OrderedDict()

    def identify(self, advertisement: Advertisement, wall_ms: int | None) -> Sighted:
        """Return who sent it. ``wall_ms``: Unix milliseconds; None while the clock has never been set.

        In this order: rotating token, iBeacon, Eddystone-UID or -EID, resolvable private address. Without the time
        neither tokens nor EIDs are recognised. Never raises.
        """
        self._turn(wall_ms)
        manufacturer, services = advertisement.manufacturer, advertisement.services
        payload = (advertisement.address, tuple(manufacturer.items()), tuple(services.items()))
        sighted = self._by_payload.get(payload)
        if sighted is None:
            sighted = self._by_content(advertisement) or self._by_private_address(advertisement.address)
            _remember(self._by_payload, payload, sighted)
        return sighted

    def _turn(self, wall_ms: int | None) -> None:
        known = wall_ms is not None
        turned = wall_ms is not None and self._codes.turn(wall_ms // 1000)
        if turned or known != self._clock_known:
            self._by_payload.clear()
            self._clock_known = known

    def _by_content(self, advertisement: Advertisement) -> Sighted | None:
        services = advertisement.services
        tokens, eids = (self._codes.tokens, self._codes.eids) if self._clock_known else ({}, {})
        carrier = tokens.get(services.get(self._service_uuid or "", b""))
        if carrier is not None:
            return _enrolled("service_token", carrier)
        beacon = ibeacon(advertisement.manufacturer)
        if beacon is not None and beacon.uuid in self._ibeacon_uuids:
            return Sighted(Identity("ibeacon", f"{beacon.uuid}/{beacon.major}/{beacon.minor}"), "badge")
        uid = eddystone_uid(services)
        if uid is not None and (self._namespaces is None or uid[0] in self._namespaces):
            return Sighted(Identity("eddystone_uid", "/".join(uid)), "badge")
        eid = eddystone_eid(services)
        carrier = None if eid is None else eids.get(eid)
        return None if carrier is None else _enrolled("eddystone_eid", carrier)

    def _by_private_address(self, address: str) -> Sighted:
        sighted = self._by_address.get(address)
        if sighted is None:
            owner = self._resolver.owner(address)
            sighted = ANONYMOUS if owner is None else _enrolled("irk", owner)
            _remember(self._by_address, address, sighted)
        return sighted


def _enrolled(kind: str, carrier: Carrier) -> Sighted:
    return Sighted(Identity(kind, carrier.id, verified=True), carrier.kind)


def _remember(memory: OrderedDict[_Key, Sighted], key: _Key, sighted: Sighted) -> None:
    memory[key] = sighted
    if len(memory) > MOST_REMEMBERED:
        memory.popitem(last=False)
