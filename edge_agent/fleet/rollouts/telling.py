"""What a rollout says at the terminal: a bar, lines, or JSON lines; and how it ended."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from edge_agent.contract.topics import Topics
from edge_agent.fleet.rollouts.book import Member, Rollout
from edge_agent.fleet.rollouts.driving import Tell
from edge_agent.fleet.rollouts.judging import Decision, Done, Enter, Push, Stop, Wait, failed
from edge_agent.fleet.telling import line, print_json, standing
from edge_agent.fleet.terminal import err, out


def word(member: Member) -> str:
    """Return in a word or two how a member stands."""
    if member.is_withdrawn:
        return "withdrawn"
    if member.is_unchanged:
        return "unchanged"
    return standing(member.progress) if member.progress else "waiting"


def counted(members: Sequence[Member]) -> str:
    """Return how many stand how."""
    counts = Counter(map(word, members))
    return ", ".join(f"{count} {what}" for what, count in counts.most_common())


@contextmanager
def following(rollout: Rollout, total: int, *, as_json: bool) -> Iterator[Tell]:
    """Give what tells how a rollout gets on."""
    if as_json:
        yield _Changes(rollout, _json_member, _json_rollout).tell
    elif not err.is_terminal:
        yield _Changes(rollout, _print_member, lambda _rollout, text: err.print(text, soft_wrap=True)).tell
    else:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=err, transient=True) as bar:
            yield _Bar(bar, total).tell


def ended(rollout: Rollout, members: Sequence[Member], *, as_json: bool) -> None:
    """Print how a rollout ended, and everybody who failed."""
    if as_json:
        print_json({"rollout": rollout.id, "state": rollout.state, "detail": rollout.detail})
        return
    why = f": {rollout.detail}" if rollout.detail else ""
    out.print(f"rollout {rollout.id} {rollout.state}{why}", soft_wrap=True, style="bold")
    out.print(f"  {counted(members)}", soft_wrap=True)
    for member in failed(members):
        assert member.progress is not None
        out.print(f"  {line(member.topics, member.progress)}", soft_wrap=True, style="red")
    if trying := [member for member in members if member.progress and member.progress.status == "running"]:
        out.print(f"  {len(trying)} are trying it out yet; each keeps it only if all goes well there", soft_wrap=True)


def listed(rollouts: Sequence[tuple[Rollout, Sequence[Member], bool]], *, as_json: bool) -> None:
    """Print rollouts, and whether a process drives each."""
    if as_json:
        rows = [_row(rollout, members, is_driven=is_driven) for rollout, members, is_driven in rollouts]
        print_json({"rollouts": rows})
        return
    table = Table(Column("id", no_wrap=True), "begun (UTC)", "file", "state", "ring", "stores", box=None)
    for rollout, members, is_driven in rollouts:
        state = rollout.state if is_driven or rollout.state != "running" else "interrupted: resume it"
        rings = max((member.ring for member in members), default=0) + 1
        table.add_row(
            *(rollout.id, f"{datetime.fromisoformat(rollout.created_at):%Y-%m-%d %H:%M}", Path(rollout.file).name),
            *(state, f"{rollout.ring + 1} of {rings}", counted(members)),
        )
    out.print(table if rollouts else "there are no rollouts yet")


class _Bar:
    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total)
        self._said: set[Topics] = set()

    def tell(self, rollout: Rollout, members: Sequence[Member], decision: Decision | None) -> None:
        done = sum(word(member) in {"committed", "unchanged"} for member in members)
        rings = max(member.ring for member in members) + 1
        text = f"ring {rollout.ring + 1} of {rings}: {_said(decision)} ({counted(members)})"
        self._bar.update(self._task, completed=done, description=text)
        for member in failed(members):
            if member.topics not in self._said and member.progress:
                self._said.add(member.topics)
                self._bar.console.print(line(member.topics, member.progress), soft_wrap=True, style="red")


class _Changes:
    """Tells each change once."""

    def __init__(self, rollout: Rollout, member: Any, text: Any) -> None:
        self._rollout = rollout
        self._member = member
        self._text = text
        self._said: dict[Topics, str] = {}
        self._last = ""

    def tell(self, rollout: Rollout, members: Sequence[Member], decision: Decision | None) -> None:
        for member in members:
            now = member.progress.status if member.progress and not member.is_withdrawn else word(member)
            if self._said.get(member.topics, "waiting") != now:
                self._said[member.topics] = now
                self._member(rollout, member)
        text = f"ring {rollout.ring + 1}: {_said(decision)}"
        if text != self._last:
            self._last = text
            self._text(rollout, text)


def _said(decision: Decision | None) -> str:
    match decision:
        case Push(members):
            return f"pushed to {len(members)}"
        case Enter(_):
            return "well"
        case Stop(why):
            return f"stops: {why}"
        case Wait(why, until_ms) if until_ms is not None:
            return f"{why} until {datetime.fromtimestamp(until_ms / 1000, UTC).astimezone():%H:%M:%S}"
        case Wait(why):
            return why
        case Done():
            return "all rings are well"
        case None:
            return "closing"


def _print_member(_rollout: Rollout, member: Member) -> None:
    who = f"{member.topics.store}/{member.topics.agent}"
    said = line(member.topics, member.progress) if member.progress and not member.is_withdrawn else None
    err.print(said or f"{who}: {word(member)}", soft_wrap=True)


def _json_member(rollout: Rollout, member: Member) -> None:
    one = member.progress
    print_json(
        {
            "rollout": rollout.id,
            "store": member.topics.store,
            "agent": member.topics.agent,
            "ring": member.ring + 1,
            "status": "withdrawn" if member.is_withdrawn else one.status if one else word(member),
            "phase": one.phase if one else None,
            "version": one.push.version if one else None,
            "sha256": one.push.sha256 if one else None,
            "code": one.code if one else None,
            "detail": one.detail if one else None,
        }
    )


def _json_rollout(rollout: Rollout, text: str) -> None:
    print_json({"rollout": rollout.id, "state": rollout.state, "ring": rollout.ring + 1, "detail": text})


def _row(rollout: Rollout, members: Sequence[Member], *, is_driven: bool) -> dict[str, Any]:
    return {
        "id": rollout.id,
        "file": rollout.file,
        "file_sha256": rollout.file_sha256,
        "state": rollout.state,
        "driven": is_driven,
        "ring": rollout.ring + 1,
        "rings": max((member.ring for member in members), default=0) + 1,
        "detail": rollout.detail,
        "created_at": rollout.created_at,
        "members": dict(Counter(map(word, members))),
    }
