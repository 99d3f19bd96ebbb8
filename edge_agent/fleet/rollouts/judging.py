"""What a rollout does next, by how its stores stand; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from edge_agent.fleet.rollouts.book import Member, Rules
from edge_agent.fleet.rollouts.rings import percent


@dataclass(frozen=True, slots=True)
class Push:
    """Push to these, in this order."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """The ring is well: on to the next."""

    ring: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do; ``why`` to people. ``until_ms``: when it is over, if that is known."""

    why: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Too many have failed."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """All rings are well."""


Decision = Push | Enter | Wait | Stop | Done


def decide(members: Sequence[Member], ring: int, rules: Rules, now_ms: int) -> Decision:
    """Return what comes next. ``ring``: the one that is on; rings before it go on being watched."""
    on = [member for member in members if member.ring <= ring]
    if why := _too_many(on, ring, percent(rules.max_fail, "--max-fail")):
        return Stop(why)
    if waiting := tuple(member for member in on if member.is_waiting):
        return Push(waiting)
    # Who ran it before answers for nobody.
    here = [member for member in on if member.ring == ring and not member.is_unchanged]
    if why := _not_there(on, here, rules):
        return Wait(why)
    if (until_ms := _soaked_ms(here, rules)) > now_ms:
        return Wait("soaking", until_ms)
    return Enter(ring + 1) if len(on) < len(members) else Done()


def failed(members: Sequence[Member]) -> list[Member]:
    """Return those that count against the rollout."""
    return [member for member in members if member.progress and member.progress.failed]


def _too_many(on: Sequence[Member], ring: int, limit: Fraction) -> str:
    """Return why to stop, or nothing. Stores that are away with the push on their topic dilute no share."""
    bad, took = failed(on), _took(on)
    if bad and Fraction(len(bad), len(took)) > limit:
        return f"{len(bad)} of {len(took)} failed, more than {float(limit * 100):g}%"
    for number in range(ring + 1):
        among = [member for member in took if member.ring == number]
        if among and len(failed(among)) == len(among):
            return f"everyone in ring {number + 1} failed"
    return ""


def _took(members: Sequence[Member]) -> list[Member]:
    return [
        member
        for member in members
        if member.progress and not member.progress.is_pending_offline and member.progress.status != "superseded"
    ]


def _not_there(on: Sequence[Member], here: Sequence[Member], rules: Rules) -> str:
    """Return what this ring waits for before it has only to soak, or nothing."""
    pushed = [member.progress for member in here if member.progress]
    if any(not one.settled and not one.is_pending_offline for one in pushed):
        return "waiting for those on their way"
    if any(member.progress and member.progress.is_ailing for member in on):
        return f"some are lost or worse; each is given {rules.patience_s:.0f} s to get well"
    # Who was pushed something newer by somebody else is no member any more.
    count = len(here) - sum(1 for one in pushed if one.status == "superseded")
    kept = sum(_committed(member) for member in here)
    answered = kept + len(failed(here))
    need = max(1, -int(-percent(rules.min_online, "--min-online") * count // 1)) if count else 0
    if answered < need or (count and not kept):
        return f"{answered} of {count} have answered, {max(need, 1)} must; the others are offline"
    return ""


def _soaked_ms(here: Sequence[Member], rules: Rules) -> int:
    """Return when the last of a ring that is there has run it long enough."""
    pushed = [member.progress for member in here if member.progress]
    committed = [one.since_ms for one in pushed if one.status == "committed" and one.gone_ms is None]
    return max(committed, default=0) + int(rules.soak_s * 1000)


def _committed(member: Member) -> bool:
    return member.progress is not None and member.progress.status == "committed"
