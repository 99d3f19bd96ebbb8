"""What beacons and enrolled phones put on the air: payloads of the usual formats. Pure."""

import hashlib
import hmac
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

APPLE = 0x004C  # Bluetooth SIG, Assigned Numbers, company identifiers
EDDYSTONE = "0000feaa-0000-1000-8000-00805f9b34fb"  # Bluetooth SIG, Assigned Numbers, 16-bit UUIDs for members: Google

_IBEACON = b"\x02\x15"  # Apple, Proximity Beacon Specification: type 2, 21 bytes follow
_UID_FRAME = 0x00  # github.com/google/eddystone, eddystone-uid
_EID_FRAME = 0x30  # github.com/google/eddystone, eddystone-eid


def ibeacon(uuid: UUID, major: int, minor: int, power: int = -59) -> bytes:
    """Return an iBeacon's manufacturer data (of company APPLE), 23 bytes. ``power``: dBm at 1 m."""
    return _IBEACON + uuid.bytes + major.to_bytes(2) + minor.to_bytes(2) + power.to_bytes(1, signed=True)


def eddystone_uid(namespace: bytes, instance: bytes, power: int = -18) -> bytes:
    """Return an Eddystone-UID's service data (of EDDYSTONE), 20 bytes.

    ``namespace``: 10 bytes, ``instance``: 6 bytes, ``power``: dBm at 0 m. ValueError for other lengths.
    """
    if (len(namespace), len(instance)) != (10, 6):
        raise ValueError("a namespace has 10 bytes and an instance 6")
    return bytes([_UID_FRAME]) + power.to_bytes(1, signed=True) + namespace + instance + bytes(2)


def eddystone_eid(identifier: bytes, power: int = -18) -> bytes:
    """Return an Eddystone-EID's service data (of EDDYSTONE), 10 bytes, around an ephemeral identifier of 8 bytes."""
    if len(identifier) != 8:
        raise ValueError("an ephemeral identifier has 8 bytes")
    return bytes([_EID_FRAME]) + power.to_bytes(1, signed=True) + identifier


def rotating_token(key: bytes, unix_s: float, step_s: int, length: int = 16) -> bytes:
    """Return the service data a member's app shows during the step of ``step_s`` seconds that ``unix_s`` is in.

    The first ``length`` bytes (8 to 16) of HMAC-SHA-256(key, number of the step as 8 bytes, big-endian).
    """
    if not 8 <= length <= 16:
        raise ValueError("a token has 8 to 16 bytes")
    step = int(unix_s // step_s)
    return hmac.new(key, step.to_bytes(8), hashlib.sha256).digest()[:length]


def private_address(irk: bytes, random: bytes) -> str:
    """Return the resolvable private address an identity resolving key makes of 3 random bytes, AA:BB:….

    Bluetooth Core, volume 3 part H section 2.2.2 (ah) and volume 6 part B section 1.3.2.2: the two top bits are 01.
    ``irk``: 16 bytes, most significant first.
    """
    prand = bytes([random[0] & 0x3F | 0x40]) + random[1:3]
    encryptor = Cipher(algorithms.AES(irk), modes.ECB()).encryptor()  # noqa: S305 - "ah" is one block of AES
    hashed = encryptor.update(bytes(13) + prand)[-3:]
    return (prand + hashed).hex(":").upper()
