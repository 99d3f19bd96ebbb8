"""What a command is: a name, what it takes, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.remote.commands.box import Box

Result = dict[str, Any]
# One reply: 2 s of a line of 1 Mbit/s, and in the ledger, compressed, a tenth of it. Larger things go up in chunks.
REPLY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes up in chunks, then is deleted. ``name``: what it is called there; ``result``: told with it."""

    path: Path
    name: str
    result: Result


# Called with 0.0 .. 1.0 and what happens now.
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One command that runs. ``folder``: for files it makes; they survive a restart until the command is answered."""

    id: str
    box: Box
    folder: Path
    progress: Progress


@dataclass(frozen=True, slots=True)
class Action:
    """One name of the contract's section 7.

    ``arguments``: a msgspec Struct that forbids unknown fields. ``act``: returns what is answered with ``done``; raises
    ``Refused`` (nothing was done: ``refused``) or an AgentError (``failed``). ``repeatable``: begun again by the next
    process if this one dies meanwhile; else the answer is then ``failed``, code ``interrupted``. ``long``: runs beside
    others; the rest runs one after another. ``afterwards``: called when the answer is durable and was sent, or could
    not be sent within moments.
    """

    arguments: type[msgspec.Struct]
    act: Callable[[Asked, Any], Awaitable[Result | Upload]]
    repeatable: bool = False
    long: bool = False
    afterwards: Callable[[Box], Awaitable[None]] | None = None
