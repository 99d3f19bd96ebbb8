"""The data of each event type. Minor versions add optional fields; enums are open; a breaking change is a new ``.vN``.

Money is integer minor units of the order's currency; quantities are decimal strings; times are ISO 8601.
"""

import msgspec


class _Data(msgspec.Struct, kw_only=True):
    """Every field is always on the wire, ``null`` where unknown: nothing is invented, nothing is left to guess."""


# --- orders ----------------------------------------------------------------------------------------------------------


class Hop(_Data):
    """One step of a shopper's journey. ``end``: ``store`` ``device`` (offline), ``internet`` ``mobile`` (online)."""

    end: str
    touchpoint: str | None
    at: str


class Source(_Data):
    """Where the order was made: the system, the device that saw it and that system's own order number."""

    system: str
    device: str
    order_no: str | None


class Channel(_Data):
    """The sales channel (``in_store``, ``meituan``, ``eleme`` …) and who owns it."""

    id: str
    owner: str


class Attribution(_Data):
    """Who and what earned the order."""

    store: str
    touchpoint: str | None
    workstation: str | None = None
    cashier: str | None = None
    guide: str | None = None
    scene: str | None = None


class Line(_Data):
    """One line of an order. ``kind``: ``sale`` ``discount`` ``top_up`` …; a discount's amount is negative.

    ``match``: whether the name was matched to a product (``matched`` ``unmatched``).
    """

    number: int
    name: str
    amount: int
    kind: str = "sale"
    gtin: str | None = None
    match: str = "unmatched"
    quantity: str | None = None
    unit: str | None = None
    unit_price: int | None = None


class Totals(_Data):
    """The sums as printed, or derived from what is printed; ``null`` where the slip does not say.

    Sum of line amounts + rounding + tax_added + tip = payable; sum of tenders - change = payable.
    """

    payable: int | None
    gross: int | None = None
    discount: int = 0
    rounding: int = 0
    tax_added: int = 0
    tip: int = 0
    tendered: int | None = None
    change: int | None = None


class Tender(_Data):
    """One means of payment. ``type``: contract section 6; ``label``: as printed; ``entry``: how it was presented."""

    number: int
    type: str
    label: str
    amount: int
    entry: str = "unknown"
    provider: str | None = None
    reference: str | None = None


class States(_Data):
    """The four axes of an order's life, kept apart."""

    order: str
    payment: str
    fulfilment: str
    after_sale: str


class Checks(_Data):
    """``pass`` ``fail`` ``unknown`` for each sum; ``receipt_number``: no gap since the workstation's last one."""

    lines: str = "unknown"
    tenders: str = "unknown"
    receipt_number: str = "unknown"


class Evidence(_Data):
    """How the order was read: which decoder and template, which capture, which text stayed unexplained.

    ``links``: the codes printed on it that lead somewhere: to the order, to its invoice.
    """

    decoder: str
    template: str | None
    capture_sha256: str | None
    unparsed: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


class Order(_Data):
    """One order, whatever its channel. ``kind``: ``sale`` ``return`` ``void`` …; a return has positive amounts.

    ``checkin_id``: the check-in at the same touchpoint that came just before it and gave it its ``member``.
    """

    order_id: str
    order_no: str | None
    revision: int
    kind: str
    mode: str
    journey: tuple[Hop, ...]
    source: Source
    channel: Channel
    attribution: Attribution
    business_day: str
    completed_at: str
    printed_at: str | None
    currency: str
    lines: tuple[Line, ...]
    totals: Totals
    tenders: tuple[Tender, ...]
    states: States
    checks: Checks
    evidence: Evidence
    member: str | None = None
    pickup_code: str | None = None
    invoice: str | None = None
    original_order_no: str | None = None
    checkin_id: str | None = None


class Unparsed(_Data):
    """A slip no template understands: its redacted text, so that nothing printed is ever dropped silently."""

    device: str
    touchpoint: str | None
    business_day: str
    completed_at: str
    text: tuple[str, ...]
    reason: str
    evidence: Evidence


class DayClosed(_Data):
    r"""The daily closing proof of one workstation: what the agent saw of a business day so far.

    ``workstation``: as printed on the receipts, else the touchpoint. ``orders`` ``returns``: how many of each.
    ``payable`` ``tenders`` (by type, change taken off cash): sales minus returns and voids, minor units.
    ``missing_numbers``: receipt numbers between the first and the last that were never seen. ``register_total``: what
    the register's own reports of that day say, and ``difference``: that minus ``payable``; null without a report.
    ``digest``: lower-case hex SHA-256 over the sorted lines ``order_id:revision:kind:payable\n`` of all its orders,
    each at its highest revision. ``cause``: ``shift_report`` ``day_end`` ``changed`` (a later void or correction).
    """

    business_day: str
    workstation: str
    orders: int
    returns: int
    payable: int
    tenders: dict[str, int]
    first_number: str | None
    last_number: str | None
    missing_numbers: tuple[str, ...]
    register_total: int | None
    difference: int | None
    digest: str
    cause: str


class CodePresented(_Data):
    """A code shown to a scanner or exported by the register, redacted where it is a payment code."""

    code: str
    touchpoint: str | None
    occurred_at: str


# --- check-ins and presence ------------------------------------------------------------------------------------------


class Identity(_Data):
    """Who was recognised, and how far that can be trusted. ``kind``: contract section 6.

    ``value``: a token as it was presented, or a keyed hash; never a raw MAC, UID, IDm or card number. ``verified``: it
    was proved by cryptography. ``random_uid``: the UID changes with every tap.
    """

    kind: str
    value: str
    verified: bool = False
    random_uid: bool = False


class CheckIn(_Data):
    """Somebody is here. One ``checkin_id`` per member and window; a higher ``revision`` of it knows more.

    ``method``: what made it (``nfc`` ``ble`` ``scan``); ``methods``: all that have seen the member in this window.
    ``order_ids``: orders made at a till just before the member tapped there; orders made after a tap name the check-in.
    """

    checkin_id: str
    revision: int
    touchpoint: str | None
    zone: str | None
    method: str
    methods: tuple[str, ...]
    identity: Identity
    member: str | None
    order_ids: tuple[str, ...]
    occurred_at: str


class Presence(_Data):
    """A badge or telephone entered a zone, stays there or left it. A visit of several zones keeps its ``visit_id``.

    ``dwell_seconds``: how long it has been in this zone. ``rssi``: smoothed, dBm.
    """

    visit_id: str
    identity: Identity
    touchpoint: str | None
    zone: str | None
    occurred_at: str
    dwell_seconds: int
    rssi: int | None


class Counted(_Data):
    """How many devices were seen in a zone during a window; windows with fewer than ``small_count`` are not told."""

    zone: str
    window_start: str
    window_seconds: int
    visitors: int


# --- ops -------------------------------------------------------------------------------------------------------------


class DeviceChanged(_Data):
    """A device came up, went down or works badly. ``reason``: a stable code; ``detail``: one line for a person."""

    device: str
    kind: str
    touchpoint: str | None
    reason: str | None = None
    detail: str | None = None


class ConfigChanged(_Data):
    """A pushed store config was committed, rejected or rolled back. ``code``: why; ``running``: the version in force.

    ``sha256``: of its exact payload bytes; ``key_id``: who signed it.
    """

    version: int
    sha256: str
    key_id: str | None
    running: int
    code: str | None = None
    detail: str | None = None


class AgentStarted(_Data):
    """The daemon runs. ``config_sha256``: of the store config in force."""

    version: str
    config_sha256: str
    epoch: str


class AgentStopping(_Data):
    """The daemon was told to stop and has closed its devices."""

    version: str
    reason: str


class CashMoved(_Data):
    """Money put into a drawer or taken out of it without a sale. ``direction``: ``in`` ``out``; minor units."""

    direction: str
    amount: int
    currency: str
    reason: str | None
    touchpoint: str | None
    workstation: str | None
    cashier: str | None
    business_day: str
    occurred_at: str
    evidence: Evidence


class ClockChanged(_Data):
    """The wall clock of boot ``bootid`` stepped by ``step_ms`` at ``uptime`` (milliseconds since boot)."""

    bootid: str
    uptime: str
    step_ms: int


class StorageLow(_Data):
    """Space runs short (or is back: ``level`` ``ok``). Bytes."""

    level: str
    free: int
    shed: dict[str, int]


class Recovered(_Data):
    """A new epoch began because the old database was damaged, cloned or rolled back. Counts are events."""

    reason: str
    old_epoch: str | None
    salvaged: int
    lost: int | None


class Gap(_Data):
    """Events ``first`` .. ``last`` of ``stream`` will not come.

    ``reason``: ``evicted`` ``not_held`` ``forgotten`` ``damaged``.
    """

    stream: str
    first: int
    last: int
    reason: str
