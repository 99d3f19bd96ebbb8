"""Head office's lines against ours: which receipts differ, by number."""

from collections import Counter
from collections.abc import Sequence

from edge_agent.shop.proof.books import Entries, line
from edge_agent.shop.proof.missing import listed

# An order that head office holds twice, the second time under another id, was made about when the first one was.
TWIN_MS = 10 * 60_000


def differing(ours: Entries, later: Entries, theirs: Sequence[str]) -> tuple[str, ...]:
    """Return the receipts that differ: by number, those without one by order id; ours in order of arrival.

    ``ours``: what our proof covers. ``later``: what we have entered since; head office may hold it already.
    ``theirs``: head office's lines ``order_id:revision:kind:payable``. A receipt differs that they lack, hold in
    another form, hold twice, or that only they know: named as the receipt of ours it doubles, if one was as much at
    about that time, else by their id. A line that cannot be read is named as it is. At most ``LISTED``, then ``+n``.
    """
    lines = Counter(theirs)
    by_id = Counter(_order_id(one) for one in theirs)
    wrong = {order_id for order_id, entry in ours.items() if by_id[order_id] != 1 or line(order_id, entry) not in lines}
    strange: dict[str, None] = {}
    for one in lines:
        order_id = _order_id(one)
        if order_id in ours or order_id in later:
            continue
        twin = _twin(one, ours)
        if twin is None:
            strange[order_id] = None
        else:
            wrong.add(twin)
    names = {entry.order_no or order_id: None for order_id, entry in ours.items() if order_id in wrong}
    return listed([*names, *(name for name in strange if name not in names)])


def _order_id(one: str) -> str:
    head = one.rsplit(":", 3)
    return head[0] if len(head) == 4 else one


def _twin(one: str, ours: Entries) -> str | None:
    order_id, _, said = one.partition(":")
    likely = [known for known, entry in ours.items() if said.endswith(f":{entry.kind}:{entry.payable}")]
    born = born_ms(order_id)
    near = [(abs(born_ms(known) - born), known) for known in likely] if born else []
    nearest = min(near, default=(TWIN_MS + 1, ""))
    if nearest[0] <= TWIN_MS:
        return nearest[1]
    return likely[0] if len(likely) == 1 else None


def born_ms(order_id: str) -> int:
    """Return the Unix milliseconds in a UUIDv7 (RFC 9562, section 5.7), 0 for any other id."""
    digits = order_id.replace("-", "")
    try:
        return int(digits[:12], 16) if len(digits) == 32 and digits[12] == "7" else 0
    except ValueError:
        return 0
