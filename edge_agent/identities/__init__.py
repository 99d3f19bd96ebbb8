"""What a tag or an advertisement says about who is here, and what it proves. Pure: no clock, no loop, no I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who was recognised. ``kind``, ``value`` and the rest: contract section 6, check-ins."""

    kind: str
    value: str
    verified: bool = False
    random_uid: bool = False
