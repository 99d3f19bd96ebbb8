"""The small JSON documents beside the frames: central's acknowledgement and the agent's state."""

import msgspec


class DayAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Central's word on one workstation's business day.

    ``digest``: of its own orders, as in ``o2o.day.closed.v1``. ``entries``: its own lines
    ``order_id:revision:kind:payable``, present only where the digests differ.
    """

    business_day: str
    workstation: str
    digest: str
    entries: list[str] | None = None


class Ack(msgspec.Struct, kw_only=True):
    """Central's word: every event up to ``upto[stream]`` of this epoch is stored; send ``need`` again.

    ``need``: inclusive ranges of sequences, by stream. ``day``: the daily closing proof's answers, as they come.
    """

    epoch: str
    upto: dict[str, int] = {}
    need: dict[str, list[tuple[int, int]]] = {}
    day: list[msgspec.Raw] = []


class State(msgspec.Struct, kw_only=True, frozen=True):
    """Whether the agent is there: ``online``, ``stopping`` (told to) or ``lost`` (the will). ``since``: ISO 8601."""

    state: str
    boot_id: str
    epoch: str
    version: str
    since: str


# What msgspec raises on bytes nobody has checked: not JSON of that shape, not UTF-8, nested beyond the stack.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

decode_ack = msgspec.json.Decoder(Ack).decode
encode = msgspec.json.encode
