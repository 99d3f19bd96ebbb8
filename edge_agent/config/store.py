"""store.toml: what the shop is. A pushed config replaces it whole."""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf

from edge_agent.config.devices import DeviceSettings, TagReaderSettings
from edge_agent.config.files import CarriersFile, SecretFile, read_secret
from edge_agent.config.problems import Loc, RefusedError, closest
from edge_agent.fields import Ident, Settings
from edge_agent.receipts.template import TemplateSettings
from edge_agent.shop.settings import PresenceSettings, TillSettings

_HH_MM = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_OPENING = re.compile(f"{_HH_MM}-({_HH_MM}|24:00)")
# What people write for the currency, and what ISO 4217 calls it.
_COLLOQUIAL_CURRENCIES = {"RMB": "CNY", "YUAN": "CNY", "YEN": "JPY", "NTD": "TWD", "WON": "KRW"}


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        meant = closest(value, available_timezones())
        raise RefusedError(
            "is not a time zone of the IANA database", ("Asia/Shanghai", "Europe/Berlin", "…"), meant
        ) from None
    return value


def _currency(value: str) -> str:
    folded = value.strip().upper()
    meant = _COLLOQUIAL_CURRENCIES.get(folded)
    if meant or not re.fullmatch("[A-Z]{3}", value):
        suggestion = meant or (folded if re.fullmatch("[A-Z]{3}", folded) else None)
        raise RefusedError("must be an ISO 4217 code, three upper-case letters", ("CNY", "HKD", "EUR", "…"), suggestion)
    return value


def _time_of_day(value: object) -> object:
    if isinstance(value, str):
        if re.fullmatch(_HH_MM, value) is None:
            raise RefusedError("must be a time of day", ("00:00 to 23:59",))
        return time.fromisoformat(value)
    return value


def _opening(value: str) -> str:
    if _OPENING.fullmatch(value) is None:
        raise RefusedError("must say from when to when", ("HH:MM-HH:MM",))
    return value


def _named_by_id(validated: dict[str, str]) -> str:
    return validated.get("id", "")


TimeOfDay = Annotated[
    time, BeforeValidator(_time_of_day, json_schema_input_type=Annotated[str, Field(pattern=f"^{_HH_MM}$")])
]
DisplayName = Annotated[str, Field(default_factory=_named_by_id)]


class StoreFacts(Settings):
    """``[store]``: the shop's name, money and hours. ``business_day_start``: until then it is still yesterday."""

    name: str = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_time_zone)]
    currency: Annotated[str, AfterValidator(_currency)]
    business_day_start: TimeOfDay = time(0, 0)
    opening_hours: Annotated[str, AfterValidator(_opening)] | None = None


class ZoneSettings(Settings):
    """``[[zone]]``: a part of the shop."""

    id: Ident
    name: DisplayName


class TouchpointSettings(Settings):
    """``[[touchpoint]]``: a place a shopper or the staff touches; every device belongs to one."""

    id: Ident
    name: DisplayName
    zone: Ident | None = None


class PrivacySettings(Settings):
    """``[privacy]``: what is kept how long, and how people are made unrecognisable.

    ``small_count``: visitor counts below it are not told; ``hash_key_file``: the tenant's HMAC-SHA-256 key.
    """

    small_count: int = Field(default=5, ge=1, le=1000)
    raw_event_hours: int = Field(default=24, ge=1, le=8760)
    capture_days: int = Field(default=30, ge=1, le=366)
    hash_key_file: SecretFile | None = None

    def hash_key(self) -> bytes | None:
        """Read the shared key; None: the box uses one of its own. Raises ConfigError when its file has gone."""
        return read_secret(self.hash_key_file) if self.hash_key_file else None


class PresenceTable(PresenceSettings):
    """``[presence]``, with the file that says who carries which badge or telephone: docs/identities.md."""

    service_token_keys_file: CarriersFile | None = None


class StoreSettings(Settings):
    """The whole of store.toml. Each device is of its kind's class; a line has its decoder's keys, too."""

    LATER: ClassVar[frozenset[str]] = frozenset({"scene"})

    store: StoreFacts
    zones: tuple[ZoneSettings, ...] = Field(default=(), alias="zone")
    touchpoints: tuple[TouchpointSettings, ...] = Field(default=(), alias="touchpoint")
    devices: tuple[InstanceOf[DeviceSettings], ...] = Field(default=(), alias="device")
    presence: PresenceTable = Field(default_factory=PresenceTable)
    till: TillSettings = Field(default_factory=TillSettings)
    privacy: PrivacySettings = PrivacySettings()
    receipt_templates: tuple[TemplateSettings, ...] = Field(default=(), alias="receipt_template")

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.store.timezone)


def secret_files(settings: StoreSettings) -> dict[Loc, Path]:
    """Return the files that nobody but the agent should read, by where the configuration names them."""
    named: dict[Loc, Path | None] = {
        ("privacy", "hash_key_file"): settings.privacy.hash_key_file,
        ("presence", "service_token_keys_file"): settings.presence.service_token_keys_file,
    }
    for index, device in enumerate(settings.devices):
        if isinstance(device, TagReaderSettings):
            named["device", index, "sdm_keys_file"] = device.sdm_keys_file
    return {loc: path for loc, path in named.items() if path is not None}
