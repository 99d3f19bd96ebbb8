"""The simulated BlueZ's control: one JSON command a line, each answered by one JSON line.

``{"do": NAME, …}`` is answered by ``{"did": NAME, …}`` when it is done, or ``{"failed": NAME, "error": …}``. An ``id``
in the command comes back in its answer: a flood is answered when it is over, and others are served meanwhile.
``adapter`` is hci0 unless told. The commands are the methods of ``Control``.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from edge_agent.clock import Clock
from edge_agent.simulator.bluez import air
from edge_agent.simulator.bluez.adapter import Adapter, MuteUntil
from edge_agent.simulator.bluez.daemon import Bluez

Command = dict[str, Any]
Answer = dict[str, Any]

BURST_S = 0.01  # a flood goes out in bursts this far apart


def say(line: Answer) -> None:
    """Print one JSON line now."""
    print(json.dumps(line), flush=True)


class Control:
    """Does what the commands say. Every method but ``serve`` and ``take`` is a command."""

    def __init__(self, bluez: Bluez, tasks: asyncio.TaskGroup) -> None:
        """``tasks`` runs the beacons and the floods."""
        self._bluez = bluez
        self._tasks = tasks
        self._clock = Clock()
        self._beacons: dict[str, tuple[Command, asyncio.Task[None]]] = {}
        self._commands: dict[str, Callable[[Command], Answer | Awaitable[Answer]]] = {
            name: getattr(self, name) for name in _COMMANDS
        }

    async def serve(self, lines: asyncio.StreamReader) -> None:
        """Do what the lines say, until they end."""
        async for line in lines:
            self.take(line.decode("utf-8", "replace"))

    def take(self, line: str) -> None:
        """Begin to do what one line says."""
        try:
            command = json.loads(line)
            name = command["do"]
        except (ValueError, TypeError, KeyError):
            say({"failed": None, "error": f"not a command: {line.strip()}"})
        else:
            self._tasks.create_task(self._do(str(name), command))

    async def _do(self, name: str, command: Command) -> None:
        echo = {"id": command["id"]} if "id" in command else {}
        try:
            done = self._commands[name](command)
            answer = done if isinstance(done, dict) else await done
        except (KeyError, ValueError, TypeError) as error:
            say({"failed": name, "error": repr(error), **echo})
        else:
            say({"did": name, **answer, **echo})

    def advertise(self, command: Command) -> Answer:
        """Send one advert; ``heard``: whether somebody discovers. See ``air.advert`` for what it may carry."""
        return {"heard": self._hear(command)}

    def beacon(self, command: Command) -> Answer:
        """Repeat an advert under ``name`` every ``interval`` seconds; ``noise``: dB of standard deviation."""
        air.advert(command, self._unix_s())
        self._hush(command["name"])
        task = self._tasks.create_task(self._repeat(command))
        self._beacons[command["name"]] = (command, task)
        return {}

    def rssi(self, command: Command) -> Answer:
        """Change a beacon's strength."""
        self._beacons[command["name"]][0]["rssi"] = int(command["rssi"])
        return {}

    def hush(self, command: Command) -> Answer:
        """Silence a beacon, or all without ``name``."""
        for name in [command["name"]] if "name" in command else list(self._beacons):
            self._hush(name)
        return {}

    async def flood(self, command: Command) -> Answer:
        """Send ``rate`` adverts a second from ``devices`` addresses for ``seconds``; answered when it is over."""
        adapter, loop = self._adapter(command), asyncio.get_running_loop()
        rng = random.Random(command.get("seed", 1))  # noqa: S311 - a crowd, not a secret
        rate, total = float(command["rate"]), int(command["rate"] * command["seconds"])
        adverts = air.crowd(int(command["devices"]), rng, random_addresses=bool(command.get("random_addresses", False)))
        began, sent, heard = loop.time(), 0, 0
        while sent < total:
            due = min(total, 1 + int((loop.time() - began) * rate))
            for _ in range(due - sent):
                heard += adapter.hear(next(adverts), loop.time())
            sent = due
            await self._bluez.drained()
            await asyncio.sleep(BURST_S)
        return {"sent": sent, "heard": heard}

    def impossible(self, command: Command) -> Answer:
        """Send one each of the adverts no radio can send."""
        adapter, now = self._adapter(command), asyncio.get_running_loop().time()
        return {"heard": sum([adapter.hear(odd, now) for odd in air.impossible()])}

    def die(self, command: Command) -> Answer:
        """End at once, as bluetoothd killed."""
        say({"did": "die", **({"id": command["id"]} if "id" in command else {})})
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    def remove_adapter(self, command: Command) -> Answer:
        """Pull an adapter out."""
        self._bluez.remove_adapter(self._adapter(command).name)
        return {}

    def add_adapter(self, command: Command) -> Answer:
        """Plug an adapter in, powered and without faults."""
        self._bluez.add_adapter(command.get("adapter", "hci0"))
        return {}

    def power(self, command: Command) -> Answer:
        """Switch a radio ``on`` or off."""
        self._adapter(command).power(on=bool(command["on"]))
        return {}

    def refuse_start(self, command: Command) -> Answer:
        """Answer the next ``times`` StartDiscovery with ``error``."""
        error = command.get("error", "org.bluez.Error.InProgress")
        self._adapter(command).faults.refusals.extend([error] * int(command.get("times", 1)))
        return {}

    def hang_start(self, command: Command) -> Answer:
        """Never answer StartDiscovery; ``on`` false: answer again."""
        self._adapter(command).faults.hang_start = bool(command.get("on", True))
        return {}

    def mute(self, command: Command) -> Answer:
        """Hear nothing and say nothing about it, ``until`` "unmute", "start" (StartDiscovery) or "power" (on)."""
        until = command.get("until", "unmute")
        if until not in get_args(MuteUntil):
            raise ValueError(f"until {until}: one of {get_args(MuteUntil)}")
        self._adapter(command).faults.muted = until
        return {}

    def unmute(self, command: Command) -> Answer:
        """Hear again."""
        self._adapter(command).faults.muted = None
        return {}

    def discovering(self, command: Command) -> Answer:
        """Stop scanning although somebody discovers (``on`` false) until the next StartDiscovery, or go on."""
        adapter = self._adapter(command)
        adapter.faults.paused = not command["on"]
        adapter.show()
        return {}

    def expiry(self, command: Command) -> Answer:
        """Set the ``seconds`` after which a device not heard is forgotten."""
        self._bluez.expiry = float(command["seconds"])
        return {}

    def state(self, _: Command) -> Answer:
        """Tell what every adapter is at."""
        return {
            "adapters": {
                name: {
                    "powered": adapter.powered,
                    "discovering": adapter.discovering,
                    "sessions": len(adapter.sessions),
                    "devices": len(adapter.devices),
                }
                for name, adapter in self._bluez.adapters.items()
            }
        }

    async def _repeat(self, command: Command) -> None:
        rng = random.Random(command["name"])  # noqa: S311 - noise, not a secret
        noise = float(command.get("noise", 0.0))
        while True:
            rssi = round(command["rssi"] + rng.gauss(0, noise)) if noise else command["rssi"]
            if command.get("adapter", "hci0") in self._bluez.adapters:  # a beacon goes on while the adapter is away
                self._hear({**command, "rssi": max(-126, rssi)})
            await asyncio.sleep(command.get("interval", 0.1))

    def _hear(self, command: Command) -> bool:
        advert = air.advert(command, self._unix_s())
        return self._adapter(command).hear(advert, asyncio.get_running_loop().time())

    def _hush(self, name: str) -> None:
        if name in self._beacons:
            self._beacons.pop(name)[1].cancel()

    def _adapter(self, command: Command) -> Adapter:
        return self._bluez.adapters[command.get("adapter", "hci0")]

    def _unix_s(self) -> float:
        return self._clock.now().wall_ms / 1000


_COMMANDS = (
    "advertise",
    "beacon",
    "rssi",
    "hush",
    "flood",
    "impossible",
    "die",
    "remove_adapter",
    "add_adapter",
    "power",
    "refuse_start",
    "hang_start",
    "mute",
    "unmute",
    "discovering",
    "expiry",
    "state",
)
