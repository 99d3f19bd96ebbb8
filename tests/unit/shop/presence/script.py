"""Shopping days as scripts: who is heard where, how strongly and when; and what the engine told, to the minute.

09:00:20-09:10:20  amy badge  door -60  till -75     heard about once a second, noisy, one in five lost
09:03:00-09:03:10  flood 400  door -50               so many new addresses a second
09:04:00           dead door                         the radio fails; ``alive door``: works again
09:05:00           restart 30                        the agent is away for so many seconds; ``reboot 30``: the machine
"""

import random
import re
from collections import defaultdict
from dataclasses import dataclass

from edge_agent.shop.presence import Carrier, Change
from tests.unit.shop.presence.rig import OPENING_MS, Rig

NOISE_DB = 4.0  # standard deviation of what a person standing still measures
LOSS = 0.2
_LINE = re.compile(r"(\d\d:\d\d:\d\d)(?:-(\d\d:\d\d:\d\d))?\s+(\S+)\s+(\S+)\s*(.*)")


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    who: str
    what: str
    levels: dict[str, int]


def play(script: str, seed: int, end: str) -> tuple[list[str], Rig]:
    """Play a script until ``end``; return what was told, and the store as it is then."""
    lines = [_parsed(line) for line in script.strip().splitlines()]
    rng, rig = random.Random(seed), Rig()
    rig.tick()
    day_begin = OPENING_MS // 1000
    away_until = 0
    for second in range(min(line.start for line in lines), _seconds(end)):
        rig.advance((day_begin + second) * 1_000 - rig.wall_ms)
        for line in lines:
            if line.end == line.start == second:
                away_until = max(away_until, _happens(rig, line, second))
        if second < away_until:
            continue
        for line in lines:
            if line.start <= second < line.end:
                _advertise(rig, rng, line, second)
        rig.tick()
    return told_by_minute(rig.told), rig


def _happens(rig: Rig, line: _Line, second: int) -> int:
    """Let one thing happen; return until when the agent is away."""
    if line.who in {"dead", "alive"}:
        rig.health(line.what, healthy=line.who == "alive")
        return 0
    away = int(line.what)
    if line.who == "reboot":
        rig.boot_id += "+"
        rig.uptime_ms = 20_000 - away * 1_000  # twenty seconds after the boot when it is back
    rig.start()
    return second + away


def _advertise(rig: Rig, rng: random.Random, line: _Line, second: int) -> None:
    for scanner, dbm in line.levels.items():
        if line.who == "flood":
            for number in range(int(line.what)):
                rig.hear(None, round(rng.gauss(dbm, NOISE_DB)), scanner, address=f"flood {second} {number}")
        elif rng.random() >= LOSS:
            carrier: Carrier = "phone" if line.what == "phone" else "badge"
            stranger = line.what == "stranger"
            rig.hear(
                None if stranger else line.who, round(rng.gauss(dbm, NOISE_DB)), scanner, carrier=carrier,
                address=line.who,
            )  # fmt: skip


def told_by_minute(told: list[Change]) -> list[str]:
    """Return the changes as ``HH:MM kind who zone #visit``, each one's visits numbered as they come."""
    visits: defaultdict[str, list[str]] = defaultdict(list)
    lines = []
    for change in told:
        own = visits[change.identity.value]
        if change.visit_id not in own:
            own.append(change.visit_id)
        number = own.index(change.visit_id) + 1
        minutes = (change.at.wall_ms - OPENING_MS) // 60_000
        clock = f"{minutes // 60:02}:{minutes % 60:02}"
        lines.append(f"{clock} {change.kind} {change.identity.value} {change.place.zone} #{number}")
    return lines


def _parsed(line: str) -> _Line:
    match = _LINE.fullmatch(line.split("#", maxsplit=1)[0].strip())
    assert match is not None, line
    start, end, who, what, rest = match.groups()
    words = rest.split()
    levels = {name: int(dbm) for name, dbm in zip(words[::2], words[1::2], strict=True)}
    return _Line(_seconds(start), _seconds(end or start), who, what, levels)


def _seconds(clock: str) -> int:
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds
