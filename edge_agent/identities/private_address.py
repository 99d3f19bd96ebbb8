"""Resolvable private addresses: whose identity resolving key made an address (Core 5.4, Vol 6, Part B, 1.3.2.2)."""

import re
from collections.abc import Iterable
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_Owner = TypeVar("_Owner")

# The two highest bits are 01.
_RESOLVABLE = re.compile("[4-7][0-9A-Fa-f](:[0-9A-Fa-f]{2}){5}")


class Resolver(Generic[_Owner]):
    """Knows the keys of everybody enrolled.

    A cipher is made once a key: 0.3 us a key and address. One made for each address, as bluetooth-data-tools does,
    takes 3 to 7: a crowd of strangers with 500 keys enrolled would take a whole core.
    """

    def __init__(self, keys: Iterable[tuple[bytes, _Owner]]) -> None:
        """``keys``: identity resolving keys, 16 octets each, and whose they are."""
        self._ciphers = [
            (Cipher(algorithms.AES128(key), modes.ECB()).encryptor(), owner)  # noqa: S305  one block: a function, no mode
            for key, owner in keys
        ]

    def owner(self, address: str) -> _Owner | None:
        """Return whose key made ``address`` (``AA:BB:CC:DD:EE:FF``); None: nobody's, or it is of another kind."""
        if not self._ciphers or not _RESOLVABLE.fullmatch(address):
            return None
        octets = bytes.fromhex(address.replace(":", ""))
        block, wanted = bytes(13) + octets[:3], octets[3:]
        return next((owner for cipher, owner in self._ciphers if cipher.update(block)[13:] == wanted), None)
