"""How much is kept, and for how long."""

from dataclasses import dataclass
from pathlib import Path

from edge_agent.contract.frames import Encoding

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Limits of the state directory; on a small file system the byte limits shrink to a share of it.

    ``journals``: the folder of the lines' journals, ``lines`` in the state directory if None. What lies there is not
    redacted yet: a folder in memory keeps it off the disk, and outlives a killed process as well.
    """

    compression: Encoding = "zstd"
    retention_days: int = 14  # delivered frames, contract section 4
    retention_bytes: int = 256 * MIB  # of the database; delivered frames go first, undelivered ones never for this
    raw_event_hours: int = 24  # delivered presence and check-ins
    capture_days: int = 30
    capture_bytes: int = 64 * MIB
    journals: Path | None = None
