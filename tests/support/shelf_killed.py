"""Kill -9 at each operation on the file system, one after another: ``python -m tests.support.shelf_killed FOLDER``.

The folder holds a shelf whose line is OLD. Prints, for each operation at which a writer of NEW was killed, what can be
read afterwards: the line's version, and whether the payloads it names are there; then begins again from OLD.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from edge_agent.config.shelf import Line, Shelf
from edge_agent.contract.remote import ConfigId

OLD_PAYLOAD, NEW_PAYLOAD = b"old" * 1000, b"new" * 1000
# What changes a file system, of https://docs.python.org/3/library/audit_events.html; bytes go to files aside only.
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove"}


def begin(shelf: Shelf) -> None:
    """Put OLD on the shelf."""
    sha256 = shelf.keep(OLD_PAYLOAD)
    shelf.write(Line(version=1, sha256=sha256, phase="committed", committed=(ConfigId(1, sha256),)))


def proceed(shelf: Shelf) -> None:
    """Put NEW on the shelf, which drops what OLD needed."""
    sha256 = shelf.keep(NEW_PAYLOAD)
    shelf.write(Line(version=2, sha256=sha256, phase="committed", committed=(ConfigId(2, sha256),)))


def killed_at(number: int, shelf: Shelf) -> bool:
    """Proceed in a process that dies at that operation; tells whether it came so far."""
    child = os.fork()
    if child == 0:
        seen = 0

        def look(event: str, _arguments: object) -> None:
            nonlocal seen
            if event in CHANGES:  # os.kill is an event, too
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(look)
        try:
            proceed(shelf)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    """Print one line for each operation."""
    number, killed = 0, True
    while killed:
        number += 1
        shutil.rmtree(folder, ignore_errors=True)
        shelf = Shelf(folder)
        begin(shelf)
        killed = killed_at(number, shelf)
        line = shelf.line()
        held = all(shelf.payload(config.sha256) is not None for config in line.committed)
        end = {"killed": killed, "version": line.version, "held": held, "damaged": shelf.damaged()}
        sys.stdout.write(json.dumps(end) + "\n")
        shelf.write(line)
        left = sorted(path.name for path in folder.iterdir())
        assert left == sorted(["line.bak", "line.json", f"{line.sha256}.json"]), left


if __name__ == "__main__":
    main(Path(sys.argv[1]))
