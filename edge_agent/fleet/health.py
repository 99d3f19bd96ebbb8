"""The health document as edge-fleet reads it: what other versions of agents lack or add does no harm."""

import msgspec


class Device(msgspec.Struct, frozen=True):
    """One device of a store."""

    id: str
    name: str = ""
    kind: str = ""
    touchpoint: str = ""
    state: str = "unknown"
    since: str | None = None
    last_seen: str | None = None
    detail: str | None = None


class Backlog(msgspec.Struct, frozen=True):
    """What waits for head office: ``waiting`` events, the oldest for so many seconds."""

    connected: bool = False
    waiting: int = 0
    waiting_by_stream: dict[str, int] = {}
    oldest_waiting_seconds: int = 0
    confirmed_until: str | None = None


class DayProof(msgspec.Struct, frozen=True):
    """How a business day stands beside head office's own books; ``earlier``: days before it that matter."""

    business_day: str = ""
    state: str = "unknown"
    orders: int = 0
    differing: list[str] = []
    earlier: list["DayProof"] = []


class Today(msgspec.Struct, frozen=True):
    """Today's counts."""

    business_day: str = ""
    orders: int = 0
    checkins: int = 0
    visitors: int = 0
    unparsed: int = 0
    day_proof: DayProof | None = None


class Words(msgspec.Struct, frozen=True):
    """What the shop's page says."""

    headline: str = ""
    steps: list[str] = []


class Store(msgspec.Struct, frozen=True):
    """Who it is, to people."""

    id: str = ""
    name: str = ""


class Times(msgspec.Struct, frozen=True):
    """The box's clock when the document was made."""

    now: str = ""
    quality: str = "unknown"
    boot_id: str | None = None


class Health(msgspec.Struct, frozen=True):
    """The retained ``health`` message. ``words``: by language."""

    level: str = "unknown"
    headline: str = ""
    steps: list[str] = []
    words: dict[str, Words] = {}
    devices: list[Device] = []
    sync: Backlog = Backlog()
    today: Today = Today()
    store: Store = Store()
    clock: Times = Times()
    version: str = ""

    @property
    def devices_down(self) -> list[Device]:
        """The devices that do not work."""
        return [device for device in self.devices if device.state != "up"]

    def said(self, language: str) -> Words:
        """Return what the shop's page says in a language, else in the box's own."""
        return self.words.get(language) or Words(self.headline, self.steps)
