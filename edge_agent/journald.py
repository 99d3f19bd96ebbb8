"""What journald understands of a line beyond its text (sd-daemon(3))."""

import os

# syslog(3) priorities by the names structlog gives levels.
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def is_journal(descriptor: int) -> bool:
    """Return whether a descriptor is the journal's: ``$JOURNAL_STREAM`` has its device and inode (systemd.exec(5)).

    A program that was started from a service and writes elsewhere inherits the variable, so that alone says nothing.
    """
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        is_of = os.fstat(descriptor)
        return (int(device), int(inode)) == (is_of.st_dev, is_of.st_ino)
    except (OSError, ValueError):
        return False


def prefix(level: str) -> str:
    """Return what stands before a line for ``journalctl -p`` to know its level; journald takes it off."""
    return f"<{PRIORITIES[level]}>"
