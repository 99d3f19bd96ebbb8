"""Codes that change with time: what each enrolled carrier may be sending now."""

import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from edge_agent.identities.enrolled import Carrier, Enrolled

_AROUND = (-1, 0, 1)  # clocks differ, and BlueZ repeats an advertisement that was sent a while ago
_BEACON_CLOCK = 1 << 32  # seconds


def token(key: bytes, step: int, size: int) -> bytes:
    """Return the token of a step: the first ``size`` octets of HMAC-SHA-256 over the step as 8 octets, big-endian.

    The step is the T of RFC 6238: Unix seconds divided by the step's length, rounded down.
    """
    return hmac.digest(key, step.to_bytes(8, "big"), "sha256")[:size]


def ephemeral_id(key: bytes, exponent: int, seconds: int) -> bytes:
    """Return the 8 octets an Eddystone-EID beacon sends when its clock shows ``seconds``.

    Source: google/eddystone, eddystone-eid/eid-computation.md.
    """
    clock = (seconds >> exponent << exponent).to_bytes(4, "big")
    temporary_key = _aes(key, bytes(11) + b"\xff" + bytes(2) + clock[:2])
    return _aes(temporary_key, bytes(11) + bytes([exponent]) + clock)[:8]


class RotatingCodes:
    """The codes that hold at one time; computed anew when a period ends, not per advertisement."""

    def __init__(self, enrolled: Enrolled) -> None:
        self._step = int(enrolled.step.total_seconds())
        self._token_bytes = enrolled.token_bytes
        self._with_token = [carrier for carrier in enrolled.carriers if carrier.token_key]
        self._with_eid = [carrier for carrier in enrolled.carriers if carrier.eid_key]
        self._tokens_by_step: dict[int, dict[bytes, Carrier]] = {}
        self._eids_by_period: dict[tuple[str, int], bytes] = {}
        self._from = self._until = 0
        self.tokens: Mapping[bytes, Carrier] = {}
        self.eids: Mapping[bytes, Carrier] = {}

    def turn(self, now: int) -> bool:
        """Go to ``now`` (Unix seconds). Returns whether the codes have changed."""
        if self._from <= now < self._until:
            return False
        step = now // self._step
        self._from, self._until = step * self._step, (step + 1) * self._step
        self._turn_tokens(step)
        self._turn_eids(now)
        return True

    def _turn_tokens(self, step: int) -> None:
        steps = [step + by for by in _AROUND if step + by >= 0]
        self._tokens_by_step = {each: self._tokens_by_step.get(each) or self._tokens_of(each) for each in steps}
        self.tokens = {code: who for tokens in self._tokens_by_step.values() for code, who in tokens.items()}

    def _tokens_of(self, step: int) -> dict[bytes, Carrier]:
        size = self._token_bytes
        return {token(carrier.token_key or b"", step, size): carrier for carrier in self._with_token}

    def _turn_eids(self, now: int) -> None:
        known, self._eids_by_period = self._eids_by_period, {}
        eids: dict[bytes, Carrier] = {}
        for carrier in self._with_eid:
            exponent, epoch, key = carrier.eid_exponent or 0, carrier.eid_epoch or 0, carrier.eid_key or b""
            period = (now - epoch) >> exponent
            self._from = max(self._from, epoch + (period << exponent))
            self._until = min(self._until, epoch + (period + 1 << exponent))
            for seconds in (period + by << exponent for by in _AROUND):
                if 0 <= seconds < _BEACON_CLOCK:
                    code = known.get((carrier.id, seconds)) or ephemeral_id(key, exponent, seconds)
                    self._eids_by_period[carrier.id, seconds] = code
                    eids[code] = carrier
        self.eids = eids


def _aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305  one block: a function, no mode
    return encryptor.update(block) + encryptor.finalize()
