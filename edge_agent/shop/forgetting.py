"""Which events are about somebody who wants to be forgotten."""

from collections.abc import Set as AbstractSet

import msgspec


class _Who(msgspec.Struct):
    kind: str
    value: str


class _Data(msgspec.Struct):
    identity: _Who | None = None
    member: str | None = None
    code: str | None = None  # that was presented; its event is written whether it is a member's or not


class _Event(msgspec.Struct):
    """As much of an event as tells whom it is about."""

    data: _Data


_decode = msgspec.json.Decoder(_Event).decode


def concerns(body: bytes, member: str, identities: AbstractSet[tuple[str, str]]) -> bool:
    """Tell whether an event (its CloudEvent JSON) is about a member or one of their identities (kind, value)."""
    try:
        about = _decode(body).data
    except msgspec.DecodeError:
        return False  # an event of another shape is about nobody
    if about.member == member or (about.code is not None and ("code", about.code) in identities):
        return True
    who = about.identity
    return who is not None and (who.kind, who.value) in identities
