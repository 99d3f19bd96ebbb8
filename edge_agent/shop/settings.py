"""What the rules need to know of the shop and its devices."""

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from edge_agent.receipts import Template


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device as the rules see it. ``templates``: those to try on its receipts, in order."""

    id: str
    touchpoint: str
    decoder: str
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """The shop's own facts. ``built_ms``: Unix milliseconds of the software's build; no order is older than that."""

    tenant: str
    store: str
    zone: ZoneInfo
    currency: str
    business_day_start: time
    built_ms: int
    devices: dict[str, DeviceFacts]
