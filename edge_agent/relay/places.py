"""The files of a box's relays, by device, in one folder that lets nobody else in (0700)."""

from pathlib import Path


def socket_path(folder: Path, device: str) -> Path:
    """Return where a device's relay is spoken to."""
    return folder / f"{device}.sock"


def ledger_path(folder: Path, device: str) -> Path:
    """Return what a device's relay holds locked."""
    return folder / f"{device}.relay"
