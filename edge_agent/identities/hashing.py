"""Keyed hashes of what must not leave a reader: UIDs, IDms, addresses."""

import hmac


class Hasher:
    """Hashes with the tenant's key, so that every store and head office get the same value for the same card."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, octets: bytes) -> str:
        """Return the value of an identity: lower-case hex HMAC-SHA-256 over ``kind``, a zero octet and ``octets``.

        The kind is hashed as well, so that the same UID read in two ways does not link what should stay apart.
        """
        return hmac.digest(self._key, kind.encode("ascii") + b"\0" + octets, "sha256").hex()
