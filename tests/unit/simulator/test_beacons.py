"""Payloads against published vectors and a library nobody here wrote."""

import random
from uuid import UUID

import pytest
from bluetooth_data_tools import get_cipher_for_irk, resolve_private_address

from edge_agent.simulator import beacons
from edge_agent.simulator.bluez.air import ROTATE_S, advert


def test_an_ibeacon_has_the_layout_apple_gives() -> None:
    data = beacons.ibeacon(UUID("e2c56db5-dffb-48d2-b060-d0f5a71096e0"), 1, 258, -59)
    assert data.hex() == "0215e2c56db5dffb48d2b060d0f5a71096e000010102c5"


def test_eddystone_frames_have_the_layout_google_gives() -> None:
    uid = beacons.eddystone_uid(bytes(range(10)), bytes(range(6)), -18)
    eid = beacons.eddystone_eid(bytes.fromhex("0102030405060708"), 4)
    assert uid.hex() == "00ee000102030405060708090001020304050000"
    assert eid.hex() == "30040102030405060708"


@pytest.mark.parametrize(("namespace", "instance"), [(9, 6), (10, 7), (0, 0)])
def test_a_uid_of_another_length_is_refused(namespace: int, instance: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        beacons.eddystone_uid(bytes(namespace), bytes(instance))


def test_a_token_is_the_beginning_of_the_hmac_of_the_step() -> None:
    # printf '\0\0\0\0\0\0\0\3' | openssl dgst -sha256 -hmac key
    key = b"key"
    token = beacons.rotating_token(key, 3 * 900, 900, 16)
    assert token.hex() == "98dcc8abecb1c71bd91dc8ea287148bd"
    assert beacons.rotating_token(key, 4 * 900 - 0.001, 900, 8) == token[:8]
    assert beacons.rotating_token(key, 4 * 900, 900) != token


@pytest.mark.parametrize("length", [7, 17])
def test_a_token_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        beacons.rotating_token(b"key", 0, 900, length)


def test_a_private_address_is_that_of_the_specification() -> None:
    # Bluetooth Core, volume 3 part H appendix D.7: prand 0x708194 gives the hash 0x0dfbaa.
    irk = bytes.fromhex("ec0234a357c8ad05341010a60a397d9b")
    assert beacons.private_address(irk, bytes.fromhex("708194")) == "70:81:94:0D:FB:AA"


def test_a_private_address_is_resolved_by_its_own_key_only() -> None:
    rng = random.Random(7)
    irk, other = rng.randbytes(16), rng.randbytes(16)
    for _ in range(50):
        address = beacons.private_address(irk, rng.randbytes(3))
        assert resolve_private_address(get_cipher_for_irk(irk), address)
        assert not resolve_private_address(get_cipher_for_irk(other), address)


def test_a_command_describes_every_format() -> None:
    shop = "e2c56db5-dffb-48d2-b060-d0f5a71096e0"
    token = "0000fe00-0000-1000-8000-00805f9b34fb"
    heard = advert(
        {
            "address": "c0:00:00:00:00:01",
            "rssi": -60,
            "manufacturer": {"89": "0102"},
            "ibeacon": {"uuid": shop, "major": 1, "minor": 2},
            "eddystone_uid": {"namespace": "00" * 10, "instance": "01" * 6},
            "token": {"service": token, "key": "6b6579", "step": 900, "length": 8},
        },
        3 * 900,
    )
    assert heard.address == "C0:00:00:00:00:01"
    assert heard.manufacturer == {89: b"\x01\x02", beacons.APPLE: beacons.ibeacon(UUID(shop), 1, 2)}
    assert heard.services == {
        beacons.EDDYSTONE: beacons.eddystone_uid(bytes(10), b"\x01" * 6),
        token: beacons.rotating_token(b"key", 3 * 900, 900, 8),
    }
    eid = advert({"address": "A", "rssi": -60, "eddystone_eid": {"identifier": "0102030405060708", "power": 4}}, 0)
    assert eid.services == {beacons.EDDYSTONE: bytes.fromhex("30040102030405060708")}


def test_a_phone_with_a_key_changes_its_address_when_its_time_is_up_and_stays_resolvable() -> None:
    irk = bytes(range(16))
    at = [advert({"irk": irk.hex(), "rssi": -60}, unix_s).address for unix_s in (0, ROTATE_S - 1, ROTATE_S)]
    assert at[0] == at[1] != at[2]
    assert all(resolve_private_address(get_cipher_for_irk(irk), address) for address in at)
