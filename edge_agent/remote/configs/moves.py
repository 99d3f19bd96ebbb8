"""The moves of the line of versions, from one phase to the next. Pure; ``at``: ISO 8601, when the phase begins."""

from msgspec.structs import replace

from edge_agent.config.shelf import Line, Trial
from edge_agent.contract.remote import ConfigId

# A push whose check no process survives is given up. One death may have been a power cut, and so may a second.
TRIES = 3
# Phases of a push that is on its way and does not run yet.
PENDING = frozenset({"verified", "staged"})

_ENDED = "the agent ended during the trial"
_NONE_SURVIVED = f"the agent ended {TRIES} times while it was being checked"


def taken(line: Line, config: ConfigId, key_id: str, at: str) -> Line:
    """Return the line as a push takes it, for the first time or again."""
    again = (line.version, line.sha256) == (config.version, config.sha256)
    return Line(
        version=config.version,
        sha256=config.sha256,
        key_id=key_id,
        phase="verified",
        at=at,
        committed=line.committed,
        tries=line.tries + 1 if again else 1,
    )


def staged(line: Line, at: str) -> Line:
    """Return the line once its push has been found valid."""
    return replace(line, phase="staged", at=at, tries=0)


def begun(line: Line, boot_id: str, at: str) -> Line:
    """Return the line as the trial of its push begins."""
    return replace(line, phase="trial", at=at, trial=Trial(ConfigId(line.version, line.sha256), boot_id, at))


def committed(line: Line, event_id: str, at: str) -> Line:
    """Return the line with its push as the last known good."""
    config = ConfigId(line.version, line.sha256)
    older = tuple(one for one in line.committed if one != config)
    return replace(decided(line, "committed", event_id, at), committed=(config, *older))


def decided(line: Line, phase: str, event_id: str, at: str, code: str | None = None, detail: str | None = None) -> Line:
    """Return the line at the end of its push. ``event_id``: of the event that tells of it."""
    return replace(line, phase=phase, code=code, detail=detail, at=at, trial=None, event_id=event_id, tries=0)


def postponed(line: Line) -> Line:
    """Return the line as a process leaves it that is told to stop: the next one begins its trial, or check, anew."""
    if line.trial is not None:
        return replace(line, phase="staged", trial=None)
    return replace(line, tries=0) if line.phase in PENDING else line


def death(line: Line, hung: str | None) -> tuple[str, str] | None:
    """Return code and detail if the process before has died of the line's push. ``hung``: where it hung, if it did."""
    died = line.trial is not None or (line.phase == "verified" and (hung or line.tries >= TRIES))
    if not died:
        return None
    if hung:
        return "hung", hung
    return "crashed", _ENDED if line.trial is not None else _NONE_SURVIVED
