"""The audit: one line for each thing done (or refused) at the manager's door, in the log and on the page."""

from dataclasses import dataclass

from edge_agent.page.sources import Sources


@dataclass(frozen=True, slots=True)
class Entry:
    """``what``: login, pair, upload, presence …; ``outcome``: done, refused, failed; ``client``: the address."""

    wall_ms: int
    what: str
    outcome: str
    client: str
    detail: str = ""


class Audit:
    """The newest entries, kept in durable state; the log has them all."""

    def __init__(self, sources: Sources) -> None: ...

    async def note(self, what: str, outcome: str, client: str, detail: str = "") -> None:
        """Log an entry and keep it. Never raises: a full disk keeps nobody from helping the shop."""
        raise NotImplementedError

    def entries(self) -> tuple[Entry, ...]:
        """Return the newest entries, the newest first."""
        raise NotImplementedError
