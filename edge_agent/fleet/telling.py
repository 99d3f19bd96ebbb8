"""What pushing says at the terminal: plans, how it gets on, and results; as text or as JSON."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.live import Live
from rich.table import Table

from edge_agent.contract.topics import Topics
from edge_agent.fleet.differences import Difference
from edge_agent.fleet.progress import Progress
from edge_agent.fleet.survey import Change
from edge_agent.fleet.terminal import err, out

Tell = Callable[[Mapping[Topics, Progress]], None]

_NAMES = 8  # stores of a group that are named
_ROWS = 20  # agents of a live table
_STYLES = {"committed": "green", "pending": "yellow", "running": "cyan", "superseded": "yellow"}


def plan(planned: Sequence[Change], *, as_json: bool) -> None:
    """Print what would change; stores with the same difference together."""
    if as_json:
        print_json({"agents": [_planned(change) for change in planned]})
        return
    groups: dict[bytes, list[Change]] = {}
    for change in planned:
        groups.setdefault(msgspec.json.encode((change.differences, _lines(change))), []).append(change)
    for members in groups.values():
        out.print(f"{_some([change.agent.name for change in members])}:", soft_wrap=True, style="bold")
        for text in _lines(members[0]):
            out.print(f"  {text}", soft_wrap=True)


def result(planned: Sequence[Change], progresses: Mapping[Topics, Progress], *, as_json: bool) -> None:
    """Print what has become of it."""
    if as_json:
        rows = [_planned(change) | _became(progresses.get(change.agent.topics)) for change in planned]
        print_json({"agents": rows})
        return
    for topics, one in progresses.items():
        if one.failed or len(progresses) <= _ROWS:
            out.print(line(topics, one), soft_wrap=True, style="red" if one.failed else None)
    counts = Counter(standing(one) for one in progresses.values())
    counts["nothing to change"] = len(planned) - len(progresses)
    out.print(", ".join(f"{count} {what}" for what, count in counts.items() if count), soft_wrap=True)


def line(topics: Topics, one: Progress) -> str:
    """Return how one agent gets on, on one line."""
    why = ": ".join(part for part in (one.code, one.detail) if part)
    return f"{topics.store}/{topics.agent}: {standing(one)} (version {one.push.version}){f': {why}' if why else ''}"


def standing(one: Progress) -> str:
    """Return in a word or two where a push stands."""
    if one.is_pending_offline:
        return "pending, offline"
    return one.phase or "running" if one.status == "running" else one.status.replace("_", " ")


def print_json(document: Any) -> None:
    """Print a document, as other programs read it: one line."""
    out.file.write(msgspec.json.encode(document).decode() + "\n")
    out.file.flush()


@contextmanager
def following(total: int) -> Iterator[Tell]:
    """Give what tells how pushes get on: a live table at a terminal, else a line for each change."""
    if not err.is_terminal:
        yield _Lines().tell
        return
    with Live(console=err, transient=True, refresh_per_second=4) as view:
        yield lambda progresses: view.update(_table(progresses, total))


class _Lines:
    def __init__(self) -> None:
        self._said: dict[Topics, str] = {}

    def tell(self, progresses: Mapping[Topics, Progress]) -> None:
        for topics, one in progresses.items():
            if self._said.get(topics) != (said := line(topics, one)):
                self._said[topics] = said
                err.print(said, soft_wrap=True)


def _table(progresses: Mapping[Topics, Progress], total: int) -> Table:
    counts = Counter(standing(one) for one in progresses.values())
    caption = ", ".join(f"{count} {what}" for what, count in counts.items())
    table = Table("agent", "version", "stands", "detail", caption=f"{total}: {caption}", box=None)
    # Who is done well is counted; who is not done, or has failed, is shown.
    for topics, one in [row for row in progresses.items() if row[1].status != "committed"][:_ROWS]:
        style = "red" if one.failed else _STYLES.get(one.status)
        table.add_row(
            f"{topics.store}/{topics.agent}", str(one.push.version), standing(one), one.detail or "", style=style
        )
    return table


def _lines(change: Change) -> tuple[str, ...]:
    differences = change.differences
    if differences is None:
        offline = "offline" if not change.agent.is_online else "it did not answer"
        return (f"nobody can tell what runs there now ({offline}); it gets the whole config",)
    return tuple(map(str, differences)) or ("nothing to change",)


def _planned(change: Change) -> dict[str, Any]:
    found = change.differences
    listed = None if found is None else [_difference(one) for one in found]
    topics = change.agent.topics
    return {
        "store": topics.store,
        "agent": topics.agent,
        "state": change.agent.standing,
        "changes": None if found is None else bool(found),
        "differences": listed,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"path": one.path, "kind": one.kind, "before": one.before, "after": one.after}


def _became(one: Progress | None) -> dict[str, Any]:
    if one is None:
        return {"status": "unchanged"}
    return {
        "status": one.status,
        "version": one.push.version,
        "sha256": one.push.sha256,
        "phase": one.phase,
        "code": one.code,
        "detail": one.detail,
    }


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    return f"{len(names)} agents: {shown} …" if len(names) > _NAMES else shown
