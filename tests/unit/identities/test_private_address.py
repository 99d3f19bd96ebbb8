"""Private addresses: the specification's own example, and an implementation nobody here wrote."""

import random

import pytest
from bluetooth_data_tools import get_cipher_for_irk, resolve_private_address

from edge_agent.identities.private_address import Resolver

# Core 5.4, Vol 3, Part H, D.7: IRK, prand 708194, hash 0dfbaa.
IRK = bytes.fromhex("ec0234a357c8ad05341010a60a397d9b")
ADDRESS = "70:81:94:0D:FB:AA"


def test_the_specifications_example() -> None:
    assert Resolver([(bytes(16), "another"), (IRK, "mine")]).owner(ADDRESS) == "mine"


@pytest.mark.parametrize(
    "address", ["70:81:94:0D:FB:AB", "C0:81:94:0D:FB:AA", "30:81:94:0D:FB:AA", "", "70:81:94", "70:81:94:0D:FB:AG"]
)
def test_others_are_nobodys(address: str) -> None:
    assert Resolver([(IRK, "mine")]).owner(address) is None


def test_it_agrees_with_bluetooth_data_tools() -> None:
    rng = random.Random(7)
    keys = [rng.randbytes(16) for _ in range(20)]
    resolver = Resolver((key, index) for index, key in enumerate(keys))
    ciphers = [get_cipher_for_irk(key) for key in keys]
    for _ in range(2_000):
        owner = rng.randrange(20)
        prand = bytes([rng.randrange(0x40, 0x80)]) + rng.randbytes(2)
        hashed = ciphers[owner].encryptor().update(bytes(13) + prand)[13:]
        address = (prand + (hashed if rng.random() < 0.5 else rng.randbytes(3))).hex(":").upper()
        theirs = next((index for index, cipher in enumerate(ciphers) if resolve_private_address(cipher, address)), None)
        assert resolver.owner(address) == theirs
