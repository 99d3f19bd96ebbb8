"""What a device has said, counted for whoever watches it: a check on the page."""

from collections.abc import Iterator

from edge_agent.observations import Advertisement, Observation, Receipt, Record
from edge_agent.shop.outcome import Outcome, Signal

# A slip that says nothing to read: a picture, or another printer's language.
_WITHOUT_TEXT = frozenset({"image_only", "star", "foreign"})


def noted(observation: Observation, outcome: Outcome) -> dict[str, int]:
    """Return what to count for an observation and what it led to.

    By the name of its type (``TagRead`` ``Receipt`` ``Undecoded`` …); ``order``: it led to one; ``textless``: a slip
    with nothing to read; ``refused``: a tag that is nobody's; ``bytes``: of slips.
    """
    return {} if isinstance(observation, Advertisement) else dict(_noted(observation, outcome))


def _noted(observation: Observation, outcome: Outcome) -> Iterator[tuple[str, int]]:
    yield type(observation).__name__, 1
    if isinstance(observation, Receipt | Record):
        yield "bytes", len(observation.raw)
    if isinstance(observation, Receipt) and not _WITHOUT_TEXT.isdisjoint(observation.flags):
        yield "textless", 1
    if any(event.type.startswith("o2o.order.") and event.type != "o2o.order.unparsed.v1" for event in outcome.events):
        yield "order", 1
    if any(isinstance(effect, Signal) and not effect.accepted for effect in outcome.effects):
        yield "refused", 1
