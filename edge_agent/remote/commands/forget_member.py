"""`forget_member`: nothing that is held here is about this person any more."""

from typing import Annotated

import msgspec

from edge_agent.remote.commands.acting import Action, Asked, Result
from edge_agent.remote.commands.box import Box


class ForgetMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``member``: as the members dataset names them, else the token they are known by."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


async def forget_member(asked: Asked, arguments: ForgetMember) -> Result:
    """Forget; done a second time, it finishes. Raises StorageError."""
    return {"events": await asked.box.generations.current.forget_member(arguments.member)}


async def _wipe_question(box: Box) -> None:
    """Take the question out of the files as well: it named the person."""
    await box.storage.wipe()


FORGET_MEMBER = Action(ForgetMember, forget_member, repeatable=True, long=True, afterwards=_wipe_question)
