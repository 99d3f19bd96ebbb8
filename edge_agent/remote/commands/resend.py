"""`resend`: what head office has lost of a stream goes up again."""

from typing import Annotated

import msgspec

from edge_agent.contract.events import Stream
from edge_agent.remote.commands.acting import Action, Asked, Result

_Sequence = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Resend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``first`` .. ``last``: sequences of ``stream``, in the epoch that runs."""

    stream: Stream
    first: _Sequence
    last: _Sequence


async def resend(asked: Asked, arguments: Resend) -> Result:
    """Have a range go up again, beside what is new; what is no longer held goes as gap events. Raises Refused."""
    events = await asked.box.sync.resend(arguments.stream, arguments.first, arguments.last)
    return {"events": events, "epoch": asked.box.storage.epoch}


RESEND = Action(Resend, resend, repeatable=True)
