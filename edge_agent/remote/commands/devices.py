"""`restart_device` and `show_message`: what is done with one device of the store."""

from typing import Annotated

import msgspec

from edge_agent.config.devices import SerialSettings
from edge_agent.contract.envelope import Refused
from edge_agent.generation import Generation
from edge_agent.remote.commands.acting import Action, Asked, Result

# A line display has two lines of 20 characters, the largest there are 4 of 40 (VFD and LCD data sheets).
ROWS = 4
COLUMNS = 40
LONGEST_S = 3_600  # devices.display.arbiter.LONGEST_S
SHOWN_S = 60  # where nothing is said: long enough to be seen, gone before the next shopper wonders


Id = Annotated[str, msgspec.Meta(max_length=63)]  # an ident of the contract, or not: then there is none of that name


class RestartDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``device``: its id."""

    device: Id


async def restart_device(asked: Asked, arguments: RestartDevice) -> Result:
    """Close a device, open it anew, and say whether it works. Raises Refused ``unknown_device``."""
    generation = asked.box.generations.current
    _known(generation, arguments.device)
    await generation.restart(arguments.device)
    running = generation.devices[arguments.device]
    return {"device": arguments.device, "state": running.state, "reason": running.reason, "detail": running.detail}


class ShowMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``text``: up to 4 lines of 40 characters; on ``device``, or on every display of ``touchpoint`` that is driven."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=ROWS * (COLUMNS + 1))]
    device: Id | None = None
    touchpoint: Id | None = None
    seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_S)] = SHOWN_S


async def show_message(asked: Asked, arguments: ShowMessage) -> Result:
    """Have displays show text, as soon as the register is silent. Raises Refused."""
    rows = _rows(arguments.text)
    generation = asked.box.generations.current
    shown = _displays(generation, arguments)
    for device in shown:
        generation.show(device, rows, arguments.seconds)
    return {"devices": shown}


def _rows(text: str) -> list[str]:
    rows = text.split("\n")
    if len(rows) > ROWS or max(map(len, rows)) > COLUMNS:
        raise Refused("bad_arguments", f"at most {ROWS} lines of {COLUMNS} characters - at `$.text`")
    if not all(row.isprintable() for row in rows):
        raise Refused("bad_arguments", "printable characters only - at `$.text`")
    return rows


def _displays(generation: Generation, arguments: ShowMessage) -> list[str]:
    if (arguments.device is None) == (arguments.touchpoint is None):
        raise Refused("bad_arguments", "name a device or a touchpoint")
    driven = {
        running.settings.id: running.settings.touchpoint
        for running in generation.devices.values()
        if isinstance(running.settings, SerialSettings) and running.settings.drive
    }
    if arguments.device is not None:
        _known(generation, arguments.device)
        found = [device for device in driven if device == arguments.device]
    else:
        found = [device for device, touchpoint in driven.items() if touchpoint == arguments.touchpoint]
    if not found:
        there = f"driven are {', '.join(driven)}" if driven else "no display of this store is driven (drive = true)"
        raise Refused("not_a_display", there)
    return found


def _known(generation: Generation, device: str) -> None:
    if device not in generation.devices:
        raise Refused("unknown_device", f"there is {', '.join(generation.devices) or 'no device'}"[:500])


RESTART_DEVICE = Action(RestartDevice, restart_device, repeatable=True)
SHOW_MESSAGE = Action(ShowMessage, show_message)
