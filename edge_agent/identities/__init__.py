"""What a tag or an advertisement says about who is here, and what it proves. Pure: no clock, no loop, no I/O."""

from dataclasses import dataclass

# Kinds whose value is a carrier's id (docs/identities.md): a telephone may show its token now and its address then.
CARRIED = frozenset({"service_token", "eddystone_eid", "irk"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who was recognised. ``kind``, ``value`` and the rest: contract section 6, check-ins."""

    kind: str
    value: str
    verified: bool = False
    random_uid: bool = False

    @property
    def bearer(self) -> tuple[str, str]:
        """Who it is, by whichever of their keys they were recognised."""
        return bearer(self.kind, self.value)


def bearer(kind: str, value: str) -> tuple[str, str]:
    """Return who an identity (kind, value) belongs to: what two identities of one carrier have in common."""
    return "carrier" if kind in CARRIED else kind, value
