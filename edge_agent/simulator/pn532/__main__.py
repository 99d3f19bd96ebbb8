"""An NFC reader on a pseudo-terminal, a process of its own: a PN532 that speaks HSU frames, and tags to lay on it.

``python -m edge_agent.simulator.pn532 --link PATH`` makes a port, PATH a symbolic link to it, and prints ``{"ready":
true}``. It is told what to do by JSON lines on stdin (a pipe), each answered on stdout by ``{"did": …}`` (with
``"error"`` where it was refused):

- ``{"do": "put", "tag": {"kind": …}}``: lay a tag on the reader (``edge_agent.simulator.tags`` has the kinds);
  ``"leave_after": n`` takes it away in the middle of the exchange after the n-th;
- ``{"do": "take"}``: take it away;
- ``{"do": "unplug"}``, ``{"do": "plug"}``: pull the cable, put it back (a chip that was without power, another port
  behind the same link);
- ``{"do": "fault", "name": …, "after": n, "count": m}``: let n commands pass (0), then misbehave for m ones, or until
  ``{"do": "clear"}``. Names: ``hang`` (not even an ACK), ``no_reply`` (an ACK and no more), ``short_frame``,
  ``bad_checksum``, ``error_frame``, ``slow_ack`` (later than nfcpy waits), ``unplug``.

In between come ``{"tap": …}``, ``{"left": …}`` and ``{"gpio": …}`` (see the chip), ``{"sdm": …}`` (see the tags),
``{"struck": …}`` and ``{"deaf": …}`` (see the reader). It ends on SIGTERM or when stdin does.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import msgspec

from edge_agent.simulator.pn532.faults import Fault
from edge_agent.simulator.pn532.reader import Reader
from edge_agent.simulator.tags.drawer import Drawer, Spec

LINE_BYTES = 1024 * 1024  # a tag of 64 KiB in hexadecimal, and room to spare


class Put(msgspec.Struct, tag="put", tag_field="do", forbid_unknown_fields=True):
    """Lay a tag on the reader."""

    tag: Spec
    leave_after: int | None = None


class Misbehave(msgspec.Struct, tag="fault", tag_field="do", forbid_unknown_fields=True):
    """Let ``after`` commands pass, then misbehave for ``count`` ones; None: until cleared."""

    name: Fault
    after: int = 0
    count: int | None = None


class Take(msgspec.Struct, tag="take", tag_field="do", forbid_unknown_fields=True):
    """Take the tag away."""


class Unplug(msgspec.Struct, tag="unplug", tag_field="do", forbid_unknown_fields=True):
    """Pull the cable."""


class Plug(msgspec.Struct, tag="plug", tag_field="do", forbid_unknown_fields=True):
    """Put the cable back."""


class Clear(msgspec.Struct, tag="clear", tag_field="do", forbid_unknown_fields=True):
    """Behave again."""


Order = Put | Misbehave | Take | Unplug | Plug | Clear


def _obey(order: Order, reader: Reader, drawer: Drawer) -> None:
    """Do what a control line says. Raises ValueError for a tag that cannot be."""
    match order:
        case Put():
            reader.chip.put(drawer.make(order.tag), order.leave_after)
        case Take():
            reader.chip.take()
        case Misbehave():
            reader.faults.set(order.name, after=order.after, count=order.count)
        case Clear():
            reader.faults.clear()
        case Plug():
            reader.plug()
        case Unplug():
            reader.unplug()


def tell(document: dict[str, object]) -> None:
    """Print one JSON line."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


async def _obey_stdin(reader: Reader) -> None:
    loop = asyncio.get_running_loop()
    drawer = Drawer(tell)
    lines = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    decoder = msgspec.json.Decoder(Order)
    async for line in lines:
        try:
            order = decoder.decode(line)
            _obey(order, reader, drawer)
        except ValueError as wrong:  # msgspec's errors are, too
            tell({"did": None, "error": str(wrong)})
        else:
            tell({"did": order.__struct_config__.tag})


async def _main(options: argparse.Namespace) -> None:
    reader = Reader(options.link, tell, any_speed=options.any_speed)
    try:
        reader.plug()
        async with asyncio.TaskGroup() as tasks:
            obeying = tasks.create_task(_obey_stdin(reader))
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, obeying.cancel)
            loop.add_signal_handler(signal.SIGINT, obeying.cancel)
            tell({"ready": True})
    finally:
        reader.unplug()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent.simulator.pn532", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="the name of the port to make")
    parser.add_argument("--any-speed", action="store_true", help="understand the host at whatever baud rate")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
