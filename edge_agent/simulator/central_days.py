"""The reference central service's answer to a store's daily closing proof: its own books, compared."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_agent.contract.messages import DayAnswer
from edge_agent.simulator.central_frames import Closed, Sale

# What the retained acknowledgement still says: agents hear it at once or when they come back, never much later. The
# newest, and what came in one go after an outage (an answer without entries takes 130 bytes).
LATEST = 10
BURST_MS = 10 * 60_000
KEEP_MS = 30 * 24 * 3_600_000  # agents keep a day for 15 days
# Entries (60 bytes an order) go to all who differ, up to what an acknowledgement can bear to say again and again;
# beyond it a day differs without saying in what.
MAX_ENTRIES = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One proof, and how far its stream must have been received before it can be answered."""

    stream: int
    sequence: int
    closed: Closed


@dataclass(frozen=True, slots=True)
class Compared:
    """One proof compared: whether head office holds the same orders. ``sequence``: of the proof's event."""

    business_day: str
    workstation: str
    sequence: int
    agrees: bool


class Days:
    """The books of every agent by business day and workstation; runs inside its store's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def enter(self, agent: int, sales: Iterable[Sale]) -> None:
        """Enter orders, each at its highest revision."""
        rows = [
            (agent, sale.order_id, sale.revision, sale.kind, sale.payable or 0, sale.business_day, sale.workstation)
            for sale in sales
        ]
        self._connection.executemany(
            """INSERT INTO book VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent, order_id) DO UPDATE SET
                revision = excluded.revision, kind = excluded.kind, payable = excluded.payable,
                business_day = excluded.business_day, workstation = excluded.workstation
                WHERE excluded.revision > revision""",
            rows,
        )

    def ask(self, agent: int, asked: Sequence[Asked], at_ms: int) -> None:
        """Take proofs, to be answered once all that came before them is here; a later one replaces an earlier."""
        if not asked:
            return
        self._connection.execute("DELETE FROM day WHERE agent = ? AND at_ms < ?", (agent, at_ms - KEEP_MS))
        self._connection.executemany(
            "INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
            [
                (agent, one.closed.business_day, one.closed.workstation, one.stream, one.sequence,
                 one.closed.digest, at_ms)
                for one in asked
            ],
        )  # fmt: skip

    def ask_again(self, agent: int, asked: Iterable[Asked]) -> None:
        """Take proofs that were known, in their new place if they still wait: the agent began a new epoch."""
        self._connection.executemany(
            """UPDATE day SET stream = ?, sequence = ?
                WHERE (agent, business_day, workstation, asked) = (?, ?, ?, ?) AND digest IS NULL""",
            [
                (one.stream, one.sequence, agent, one.closed.business_day, one.closed.workstation, one.closed.digest)
                for one in asked
            ],
        )

    def compare(self, agent: int, stream: int, upto: int) -> list[Compared]:
        """Answer the proofs of a stream that wait and have been reached; return what came of each."""
        waiting = self._connection.execute(
            "SELECT business_day, workstation, sequence, asked FROM day"
            " WHERE agent = ? AND stream = ? AND sequence <= ? AND digest IS NULL ORDER BY sequence",
            (agent, stream, upto),
        ).fetchall()
        return [self._compare(agent, *row) for row in waiting]

    def compare_again(self, agent: int) -> list[Compared]:
        """Look again at an agent's days that differed, as its books may be right now; return those that agree."""
        differing = self._connection.execute(
            "SELECT business_day, workstation, sequence, asked FROM day WHERE agent = ? AND digest <> asked", (agent,)
        ).fetchall()
        return [day for row in differing if (day := self._compare(agent, *row)).agrees]

    def _compare(self, agent: int, business_day: str, workstation: str, sequence: int, asked: str) -> Compared:
        digest = digest_of(self.entries(agent, business_day, workstation))
        self._connection.execute(
            "UPDATE day SET digest = ? WHERE (agent, business_day, workstation) = (?, ?, ?)",
            (digest, agent, business_day, workstation),
        )
        return Compared(business_day, workstation, sequence, digest == asked)

    def answers(self, agent: int) -> list[DayAnswer]:
        """Return what the acknowledgement of an agent says of its days, the newest proofs first."""
        rows = self._connection.execute(
            """SELECT business_day, workstation, digest, digest <> asked FROM
                (SELECT *, row_number() OVER (ORDER BY at_ms DESC, business_day DESC, workstation) AS place,
                    max(at_ms) OVER () AS newest_ms FROM day WHERE agent = ? AND digest IS NOT NULL)
            WHERE place <= ? OR at_ms >= newest_ms - ? ORDER BY place""",
            (agent, LATEST, BURST_MS),
        ).fetchall()
        room = MAX_ENTRIES
        answers = []
        for business_day, workstation, digest, differs in rows:
            entries = self.entries(agent, business_day, workstation) if differs else None
            if entries is not None:
                room -= len(entries)
            fits = entries if room >= 0 else None
            answers.append(DayAnswer(business_day=business_day, workstation=workstation, digest=digest, entries=fits))
        return answers

    def entries(self, agent: int, business_day: str, workstation: str) -> list[str]:
        """Return the books' lines of a day, ``order_id:revision:kind:payable``, sorted."""
        rows = self._connection.execute(
            "SELECT order_id, revision, kind, payable FROM book WHERE (agent, business_day, workstation) = (?, ?, ?)",
            (agent, business_day, workstation),
        )
        return sorted(":".join(map(str, row)) for row in rows)


def digest_of(entries: Sequence[str]) -> str:
    r"""Return the digest of a day: lower-case hex SHA-256 over its sorted lines, each ended by ``\n``."""
    return hashlib.sha256("".join(f"{entry}\n" for entry in sorted(entries)).encode()).hexdigest()
