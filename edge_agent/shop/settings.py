"""What the rules need to know of the shop and its devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from edge_agent.fields import Duration, EddystoneNamespace, Settings, Uuid
from edge_agent.identities.enrolled import Enrolled
from edge_agent.identities.sdm_keys import SdmKeys
from edge_agent.receipts import Template

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)

Dbm = Annotated[int, Field(ge=-127, le=20)]  # what an HCI event can say (Core 5.4, Vol 4, Part E, 7.7.65.2)


class PresenceSettings(Settings):
    """``[presence]``: when somebody counts as here, and as gone.

    ``ibeacon_uuids``: proximity UUIDs of the store's own beacons and badges; others are anonymous.
    ``eddystone_namespaces``: the same for Eddystone-UID, 20 hex digits each; left out: all are taken.
    ``order_window``: a tap and an order at one touchpoint within it belong together.
    ``count_window``: anonymous devices are counted by zone over it.
    """

    enter_dbm: Dbm = -75
    exit_dbm: Dbm = -82
    dwell_after: Duration = Field(default=timedelta(seconds=60), ge=_SECOND, le=_DAY)
    leave_after_badge: Duration = Field(default=timedelta(seconds=60), ge=_SECOND, le=_DAY)
    leave_after_phone: Duration = Field(default=timedelta(seconds=120), ge=_SECOND, le=_DAY)
    checkin_window: Duration = Field(default=timedelta(hours=4), ge=_SECOND, le=timedelta(days=30))
    order_window: Duration = Field(default=timedelta(seconds=90), ge=timedelta(0), le=timedelta(hours=1))
    count_window: Duration = Field(default=timedelta(minutes=15), ge=timedelta(minutes=1), le=_DAY)
    ibeacon_uuids: tuple[Uuid, ...] = ()
    eddystone_namespaces: tuple[EddystoneNamespace, ...] | None = None


class TillSettings(Settings):
    """``[till]``: how what the lines of one touchpoint say is put together.

    ``provisional_after``: a sale that a display showed becomes an order of its own when no receipt follows within it.
    """

    provisional_after: Duration = Field(default=timedelta(minutes=2), ge=_SECOND, le=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device as the rules see it.

    ``zone``: the touchpoint's zone, else the touchpoint itself. Of a line: its ``decoder`` and the ``templates`` to try
    on its receipts, in order; ``read_by`` is another one whenever the same bytes may be read differently. Of a tag
    reader: ``debounce_ms``, and ``sdm``, the keys that verify tags.
    """

    id: str
    touchpoint: str
    decoder: str = ""
    templates: tuple[Template, ...] = ()
    read_by: str = ""
    kind: str = ""
    zone: str | None = None
    debounce_ms: int = 0
    sdm: SdmKeys | None = None


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """The shop's own facts.

    ``built_ms``: Unix milliseconds of the software's build; no order is older than that. ``small_count``: visitor
    counts below it are not told. ``enrolled``: who carries which badge or telephone. ``members``: the member behind an
    identity, by its kind and value; without one a token speaks for itself.
    """

    tenant: str
    store: str
    zone: ZoneInfo
    currency: str
    business_day_start: time
    built_ms: int
    devices: dict[str, DeviceFacts]
    presence: PresenceSettings = field(default_factory=PresenceSettings)
    till: TillSettings = field(default_factory=TillSettings)
    small_count: int = 5
    enrolled: Enrolled | None = None
    members: Mapping[tuple[str, str], str] = field(default_factory=dict)
