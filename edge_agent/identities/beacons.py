"""What beacons put into an advertisement: iBeacon and Eddystone. A frame of another length is another thing."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.identities.enrolled import BLUETOOTH_BASE

APPLE = 0x004C  # Bluetooth SIG, company identifiers
EDDYSTONE = BLUETOOTH_BASE.format("feaa")  # Bluetooth SIG, 16-bit UUIDs: Google

_IBEACON = b"\x02\x15"  # type, and 21 octets to come
_EDDYSTONE_UID, _EDDYSTONE_EID = 0x00, 0x30


class IBeacon(NamedTuple):
    """Proximity UUID (lower case), major and minor."""

    uuid: str
    major: int
    minor: int


def ibeacon(manufacturer: Mapping[int, bytes]) -> IBeacon | None:
    """Return the iBeacon in manufacturer data (Apple, Proximity Beacon Specification R1), None if there is none."""
    data = manufacturer.get(APPLE, b"")
    if len(data) != 23 or not data.startswith(_IBEACON):
        return None
    major, minor = int.from_bytes(data[18:20], "big"), int.from_bytes(data[20:22], "big")
    return IBeacon(str(uuid.UUID(bytes=data[2:18])), major, minor)


def eddystone_uid(services: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Return namespace and instance in lower-case hex (google/eddystone, eddystone-uid), None if there is none.

    Its last two octets are reserved; some beacons leave them out.
    """
    data = services.get(EDDYSTONE, b"")
    if len(data) not in {18, 20} or data[0] != _EDDYSTONE_UID:
        return None
    return data[2:12].hex(), data[12:18].hex()


def eddystone_eid(services: Mapping[str, bytes]) -> bytes | None:
    """Return the 8 octets of an ephemeral identifier (google/eddystone, eddystone-eid), None if there is none."""
    data = services.get(EDDYSTONE, b"")
    return data[2:10] if len(data) == 10 and data[0] == _EDDYSTONE_EID else None
