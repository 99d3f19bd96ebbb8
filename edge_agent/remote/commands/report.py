"""`report`: how the box is, and what it runs."""

import asyncio

import msgspec

from edge_agent.config.pushed import table_of
from edge_agent.remote.commands.acting import REPLY_BYTES, Action, Asked, Result

_REPLY_REST = 1024  # what stands in a reply beside its result


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


async def report(asked: Asked, arguments: Report) -> Result:
    """Return the status, what is reported of configs, and the store config in force, where one reply holds it."""
    del arguments
    box = asked.box
    result: Result = {
        "status": await box.document(),
        "reported": msgspec.to_builtins(box.reported()),
        "config": await asyncio.to_thread(table_of, box.generations.config),
    }
    if len(msgspec.json.encode(result)) > REPLY_BYTES - _REPLY_REST:
        result["config"] = None
        result["left_out"] = "config: larger than one answer may be; ask for `diagnostics`"
    return result


REPORT = Action(Report, report, repeatable=True)
