"""What is on the air: adverts as commands describe them, beacons that repeat them, adverts nobody should send."""

import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from edge_agent.simulator import beacons
from edge_agent.simulator.bluez.device import Advert

ROTATE_S = 900  # Bluetooth Core, volume 3 part C appendix A: TGAP(private_addr_int) is 15 minutes

_ODD_ADDRESS = "C0:DE:00:00:00:{:02X}"
_ODD_UUID = "0000{:04x}-0000-1000-8000-00805f9b34fb"


def advert(command: Mapping[str, Any], unix_s: float) -> Advert:
    """Return what ``command`` describes, as it is at ``unix_s``. Raises KeyError, ValueError or TypeError.

    ``address`` (or ``irk``, with ``rotate`` seconds), ``rssi``; any of ``manufacturer`` {company: hex}, ``services``
    {UUID: hex}, ``uuids``, ``local_name``, ``tx_power``, ``ibeacon`` {uuid, major, minor, power}, ``eddystone_uid``
    {namespace, instance, power}, ``eddystone_eid`` {identifier, power}, ``token`` {service, key, step, length}.
    """
    manufacturer = {int(company): bytes.fromhex(data) for company, data in command.get("manufacturer", {}).items()}
    services = {str(uuid): bytes.fromhex(data) for uuid, data in command.get("services", {}).items()}
    if given := command.get("ibeacon"):
        manufacturer[beacons.APPLE] = beacons.ibeacon(**{**given, "uuid": UUID(given["uuid"])})
    if given := command.get("eddystone_uid"):
        raw = {name: bytes.fromhex(given[name]) for name in ("namespace", "instance")}
        services[beacons.EDDYSTONE] = beacons.eddystone_uid(**{**given, **raw})
    if given := command.get("eddystone_eid"):
        raw = {"identifier": bytes.fromhex(given["identifier"])}
        services[beacons.EDDYSTONE] = beacons.eddystone_eid(**{**given, **raw})
    if given := command.get("token"):
        key, length = bytes.fromhex(given["key"]), given.get("length", 16)
        services[given["service"]] = beacons.rotating_token(key, unix_s, given["step"], length)
    return Advert(
        address=_address(command, unix_s),
        rssi=int(command["rssi"]),
        address_type=command.get("address_type", "random"),
        name=command.get("local_name"),
        tx_power=command.get("tx_power"),
        manufacturer=manufacturer,
        services=services,
        uuids=tuple(command.get("uuids", ())),
    )


def crowd(devices: int, rng: random.Random, *, random_addresses: bool) -> Iterator[Advert]:
    """Yield adverts for ever: each of ``devices`` in turn, or each from an address never used before.

    The data of company 65535 is the advert's number as 8 bytes, so that a listener can tell what it missed.
    """
    known = [_random_address(rng) for _ in range(devices)]
    number = 0
    while True:
        address = _random_address(rng) if random_addresses else known[number % devices]
        yield Advert(address, rng.randint(-90, -40), manufacturer={0xFFFF: number.to_bytes(8)})
        number += 1


def impossible(rssi: int = -60) -> list[Advert]:
    """Return adverts with lengths no radio can send: the longest legacy advert has 31 bytes, extended ones 254."""
    uuids = tuple(_ODD_UUID.format(0xF000 + number) for number in range(40))
    odd = (
        Advert(_ODD_ADDRESS.format(0), rssi, manufacturer={76: b""}),
        Advert(_ODD_ADDRESS.format(1), rssi, manufacturer={76: b"\x02\x15"}),
        Advert(_ODD_ADDRESS.format(2), rssi, services={beacons.EDDYSTONE: b""}),
        Advert(_ODD_ADDRESS.format(3), rssi, services={beacons.EDDYSTONE: bytes(300)}),
        Advert(_ODD_ADDRESS.format(4), rssi, manufacturer={76: b"\x02\x15" + bytes(300)}),
        Advert(_ODD_ADDRESS.format(5), rssi, manufacturer=dict.fromkeys(range(40), b"\xff" * 20)),
        Advert(_ODD_ADDRESS.format(6), rssi, services=dict.fromkeys(uuids, b"\xff" * 20), uuids=uuids),
        Advert(_ODD_ADDRESS.format(7), rssi, name="\ufffd" * 300, tx_power=127),
        Advert(_ODD_ADDRESS.format(8), 20, manufacturer={65535: b"\0"}),
    )
    return list(odd)


def _address(command: Mapping[str, Any], unix_s: float) -> str:
    if "irk" not in command:
        return str(command["address"]).upper()
    irk = bytes.fromhex(command["irk"])
    period = int(unix_s // command.get("rotate", ROTATE_S))
    return beacons.private_address(irk, hashlib.sha256(irk + period.to_bytes(8)).digest()[:3])


def _random_address(rng: random.Random) -> str:
    return bytes([0xC0 | rng.randrange(64), *rng.randbytes(5)]).hex(":").upper()
