"""The O2O mode of an order, derived from where its journey went."""

from collections.abc import Sequence
from itertools import groupby

from edge_agent.contract.data import Hop

_SIDE = {"internet": "online", "mobile": "online", "store": "offline", "device": "offline"}
_MODES = {
    ("offline",): "in_store",
    ("online", "offline"): "online_to_offline",
    ("offline", "online"): "offline_to_online",
    ("online", "offline", "online"): "online_offline_online",
    ("offline", "online", "offline"): "offline_online_offline",
}


def mode(journey: Sequence[Hop]) -> str:
    """Return the mode of a journey by collapsing neighbouring hops of one side; ``custom:…`` for any other shape."""
    sides = tuple(side for side, _ in groupby(_SIDE.get(hop.end, hop.end) for hop in journey))
    return _MODES.get(sides) or "custom:" + "_".join(sides)
