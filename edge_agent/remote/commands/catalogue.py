"""The names of the contract's section 7, and what each does."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import msgspec.inspect

from edge_agent.config.problems import closest, quoted
from edge_agent.contract.envelope import Refused
from edge_agent.remote.commands.acting import Action
from edge_agent.remote.commands.box_log import LOG, SET_LOG_LEVEL
from edge_agent.remote.commands.capture import CAPTURE
from edge_agent.remote.commands.devices import RESTART_DEVICE, SHOW_MESSAGE
from edge_agent.remote.commands.diagnostics import DIAGNOSTICS
from edge_agent.remote.commands.forget_member import FORGET_MEMBER
from edge_agent.remote.commands.ping import PING
from edge_agent.remote.commands.report import REPORT
from edge_agent.remote.commands.resend import RESEND
from edge_agent.remote.commands.restart import RESTART

ACTIONS: Mapping[str, Action] = {
    "ping": PING,
    "report": REPORT,
    "restart_device": RESTART_DEVICE,
    "resend": RESEND,
    "capture": CAPTURE,
    "diagnostics": DIAGNOSTICS,
    "log": LOG,
    "set_log_level": SET_LOG_LEVEL,
    "show_message": SHOW_MESSAGE,
    "forget_member": FORGET_MEMBER,
    "restart": RESTART,
}
# Names of the contract that this version does not know how to obey.
LATER = frozenset({"update", "move_home", "rotate_certificate"})


def action_of(name: str) -> Action:
    """Return what a name does. Raises Refused ``not_supported`` ``unknown_command``."""
    if name in LATER:
        raise Refused("not_supported", f"{name} comes with a later version of the agent")
    if name not in ACTIONS:
        meant = closest(name[:64], ACTIONS)
        hint = f"did you mean {meant}?" if meant else f"there is {', '.join(ACTIONS)}"
        raise Refused("unknown_command", f"{quoted(name)}: {hint}")
    return ACTIONS[name]


def arguments_of(action: Action, arguments: object) -> msgspec.Struct:
    """Return a command's arguments as its action takes them. Raises Refused ``bad_arguments``."""
    try:
        checked: Any = msgspec.convert(arguments, action.arguments)
    except msgspec.ValidationError as error:
        raise Refused("bad_arguments", f"{error} (takes: {_taken(action)})") from error
    assert isinstance(checked, action.arguments)
    return checked


def _taken(action: Action) -> str:
    """Return an action's arguments for a person, with the words that are possible; in brackets what may be left out."""
    found = msgspec.inspect.type_info(action.arguments)
    assert isinstance(found, msgspec.inspect.StructType)
    return ", ".join(map(_told, found.fields)) or "nothing"


def _told(field: msgspec.inspect.Field) -> str:
    words: Iterable[object] = ()
    if isinstance(field.type, msgspec.inspect.EnumType):
        words = (one.value for one in field.type.cls)
    elif isinstance(field.type, msgspec.inspect.LiteralType):
        words = field.type.values
    possible = "|".join(map(str, words))
    text = f"{field.name} {possible}" if possible else field.name
    return text if field.required else f"[{text}]"
