"""What head office's word means for a proof."""

from msgspec.structs import replace

from edge_agent.contract.messages import DayAnswer
from edge_agent.shop.proof.books import Entries, digest, line
from edge_agent.shop.proof.closings import AGREED, DIFFERS, Closing
from edge_agent.shop.proof.comparing import differing


def heard(closing: Closing, entries: Entries, answer: DayAnswer, *, settled: bool) -> Closing:
    """Return how a proof stands after head office's word. ``entries``: the orders of its day as they are now.

    Head office answers what it held when it processed a proof. ``settled``: it holds everything recorded here, so that
    this was our last one; otherwise only agreement counts.
    """
    if answer.digest == closing.digest:
        return replace(closing, state=AGREED, differing=())
    if not settled:
        return closing
    if answer.entries is None:
        return replace(closing, state=DIFFERS)
    ours = {order_id: entry for order_id, entry in entries.items() if entry.number <= closing.upto}
    if digest(line(order_id, entry) for order_id, entry in ours.items()) != closing.digest:
        return closing  # what was sent is no longer what is in the books: another proof is on its way
    later = {order_id: entry for order_id, entry in entries.items() if entry.number > closing.upto}
    names = differing(ours, later, answer.entries)
    if not names and later:
        return closing  # head office only knows already what the next proof will tell
    return replace(closing, state=DIFFERS, differing=names)
