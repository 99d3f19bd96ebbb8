"""Field types that the settings of every part share."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

_IDENT = r"^[a-z0-9][a-z0-9-]{0,62}$"
_UUID = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
_NAMESPACE = r"^[0-9A-Fa-f]{20}$"  # Eddystone-UID: 10 octets
_AID = r"^([0-9A-Fa-f]{2}){5,16}$"  # ISO/IEC 7816-4, 8.2.1.2: 5 to 16 octets
_ADAPTER = r"^hci\d{1,3}$"

Ident = Annotated[str, StringConstraints(pattern=_IDENT)]
Uuid = Annotated[str, StringConstraints(pattern=_UUID, to_lower=True)]
EddystoneNamespace = Annotated[str, StringConstraints(pattern=_NAMESPACE, to_lower=True)]
Aid = Annotated[str, StringConstraints(pattern=_AID, to_upper=True)]
Adapter = Annotated[str, StringConstraints(pattern=_ADAPTER)]

# What a person is told instead of the pattern.
FORMS = {
    _IDENT: "1 to 63 of a-z, 0-9 and -, not beginning with -",
    _UUID: "8-4-4-4-12 hex digits",
    _NAMESPACE: "20 hex digits",
    _AID: "10 to 32 hex digits, two an octet",
    _ADAPTER: "hci0, hci1 …",
}

_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError('a duration is a whole number and a unit: "500ms", "2s", "5m", "4h", "30d"')
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]


class Settings(BaseModel):
    """Base of every settings table: unknown keys are errors, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
