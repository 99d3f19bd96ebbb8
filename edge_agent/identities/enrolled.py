"""Who carries which badge or telephone: the file that ``service_token_keys_file`` names (docs/identities.md)."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from edge_agent.fields import Duration, Settings
from edge_agent.identities.keys_file import AesKey, HmacKey, in_one_line, load

# Core 5.4, Vol 3, Part B, 2.5.1: what a 16-bit UUID stands for.
BLUETOOTH_BASE = "0000{}-0000-1000-8000-00805f9b34fb"

_LATEST = 0xFFFF_FFFF  # a beacon counts seconds in 32 bits


def _service_uuid(value: str) -> str:
    if re.fullmatch("[0-9A-Fa-f]{4}", value):
        return BLUETOOTH_BASE.format(value.lower())
    if not re.fullmatch("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        raise ValueError('must be 4 hex digits, "fcd2", or a whole UUID')
    return str(uuid.UUID(value))


def _whole_seconds(value: timedelta) -> timedelta:
    if value % timedelta(seconds=1) or not timedelta(seconds=10) <= value <= timedelta(days=1):
        raise ValueError('must be 10 seconds to 1 day, in whole seconds: "15m"')
    return value


def _visible(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be printable and have no blank at an end")
    return value


class Carrier(Settings):
    """One badge or telephone. ``id``: what travels as its identity's value; keys are None where it has none.

    ``token_key``: HMAC-SHA-256 key of its rotating tokens. ``irk``: identity resolving key of its addresses.
    ``eid_key``, ``eid_exponent``: Eddystone-EID, a new identifier every 2^exponent seconds; ``eid_epoch``: Unix
    seconds at which the beacon's own clock stood at zero.
    """

    id: Annotated[str, Field(min_length=1, max_length=128, strict=True), AfterValidator(_visible)]
    kind: Literal["badge", "phone"] = "phone"
    token_key: HmacKey | None = Field(default=None, repr=False)
    irk: AesKey | None = Field(default=None, repr=False)
    eid_key: AesKey | None = Field(default=None, repr=False)
    eid_exponent: Annotated[int, Field(strict=True, ge=0, le=15)] | None = None
    eid_epoch: Annotated[int, Field(strict=True, ge=0, le=_LATEST)] | None = None


class Enrolled(Settings):
    """Everybody whose tokens, identifiers or addresses can be recognised.

    ``service_uuid``: 128-bit, lower case; whose service data is a token of ``token_bytes`` octets, and nothing else.
    ``step``: how long a token is sent.
    """

    service_uuid: Annotated[str, Field(strict=True), AfterValidator(_service_uuid)] | None = None
    step: Annotated[Duration, AfterValidator(_whole_seconds)] = timedelta(minutes=15)
    token_bytes: Annotated[int, Field(strict=True, ge=8, le=16)] = 8
    carriers: tuple[Carrier, ...] = Field(default=(), alias="carrier")


def enrolled(text: str) -> Enrolled:
    """Parse the file. Raises ValueError with one line that names all that is wrong and repeats no key."""
    found = load(text, Enrolled, Carrier)
    if problems := in_one_line(_problems(found)):
        raise ValueError(problems)
    return found


def _problems(found: Enrolled) -> Iterator[str]:
    for index, carrier in enumerate(found.carriers):
        path = f"carrier[{index}]"
        if not (carrier.token_key or carrier.irk or carrier.eid_key):
            yield f"{path}: has no key (allowed: token_key, irk, eid_key)"
        if carrier.token_key and found.service_uuid is None:
            yield f"{path}.token_key: needs service_uuid at the top of the file"
        for needed in ("eid_key", "eid_exponent", "eid_epoch"):
            others = (carrier.eid_key, carrier.eid_exponent, carrier.eid_epoch)
            if getattr(carrier, needed) is None and any(other is not None for other in others):
                yield f"{path}.{needed}: is missing (eid_key, eid_exponent and eid_epoch go together)"
    for key in ("id", "token_key", "irk", "eid_key"):
        yield from _repeated(found.carriers, key)


def _repeated(carriers: tuple[Carrier, ...], key: str) -> Iterator[str]:
    first: dict[object, int] = {}
    for index, carrier in enumerate(carriers):
        value = getattr(carrier, key)
        if value is not None and first.setdefault(value, index) != index:
            yield f"carrier[{index}].{key}: is the same as that of carrier[{first[value]}]"
