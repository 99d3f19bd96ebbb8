"""A PC/SC reader without hardware: pcscd and Debian's vpcd in namespaces of their own, and simulated cards.

vpcd's TCP ports and pcscd's folder are fixed: a network namespace and a mount namespace keep each test process's apart.
Skips, visibly, where that cannot be.
"""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest

from edge_agent.simulator.smartcard import PORT

if find_spec("smartcard"):
    from smartcard import scard

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
PACKAGES = "pcscd vsmartcard-vpcd libpcsclite-dev swig gcc libc6-dev"
NAME = "ACS Virtual PICC"  # pcscd adds the slot: "ACS Virtual PICC 00 00"
# loopback up (netdevice(7): SIOCSIFFLAGS, IFF_UP), then the folder of this test in place of /run/pcscd
LOOPBACK = "import fcntl,socket,struct;fcntl.ioctl(socket.socket(),0x8914,struct.pack('16sh22x',b'lo',1))"
BOX = """
"$1" -I -S -c "$2" && mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$3" /run/pcscd || exit 77
exec "$1" -m edge_agent.simulator.smartcard
"""


def unavailable() -> str:
    """Return why there can be no reader here; empty: there can be one."""
    pcscd = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if pcscd is None or not DRIVER.exists():
        return f"pcscd and its virtual reader are not installed: sudo apt-get install {PACKAGES}"
    if find_spec("smartcard") is None:
        return f"pyscard is not installed: sudo apt-get install {PACKAGES}, then make setup"
    if not all(shutil.which(tool) for tool in ("unshare", "nsenter", "setpriv")):
        return "unshare, nsenter or setpriv is not installed: sudo apt-get install util-linux"
    return ""


@cache
def _folder() -> Path:
    """Return where this process's pcscd has its socket: libpcsclite looks for its name once in a process's life."""
    folder = tempfile.mkdtemp(prefix="pcsc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["PCSCLITE_CSOCK_NAME"] = f"{folder}/pcscd.comm"
    return Path(folder)


class VirtualReaders:
    """Two readers, ``name(0)`` and ``name(1)``, behind a pcscd that can be stopped and started."""

    def __init__(self) -> None:
        self.lights: list[str] = []
        self._pcscd: subprocess.Popen[bytes] | None = None
        self._folder = _folder()
        self._as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        self._cards = subprocess.Popen(
            ["unshare", *self._as_root, "-n", "-m", "sh", "-c", BOX, "sh", sys.executable, LOOPBACK, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not self._next():
            self._cards.communicate()
            pytest.skip(f"no namespaces of our own here (unshare ended with {self._cards.returncode})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._cards.communicate(timeout=10)

    def name(self, slot: int = 0) -> str:
        return f"{NAME} 00 0{slot}"

    def clear(self) -> None:
        """Have pcscd run and see nothing on the readers."""
        if self._pcscd is None:
            self.start()
        for slot in (0, 1):
            self.take(slot)
            self.fault("garbage", 0, slot=slot)
        self.lights.clear()
        self._until_empty()

    def start(self, *, readers: bool = True) -> None:
        """Start pcscd, with or without the readers."""
        config = self._folder / "readers"
        config.mkdir(exist_ok=True)
        entry = f'FRIENDLYNAME "{NAME}"\nDEVICENAME /dev/null:0x{PORT:X}\nLIBPATH {DRIVER}\nCHANNELID 0x{PORT:X}\n'
        (config / "vpcd").write_text(entry if readers else "")
        user = ["--user", "--preserve-credentials"] if self._as_root else []
        pcscd = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        inside = ["nsenter", "-t", str(self._cards.pid), *user, "-n", "-m"]
        with_us = ["setpriv", "--pdeathsig", "KILL"]  # a test run that is killed leaves nothing behind
        self._pcscd = subprocess.Popen(
            [*inside, *with_us, str(pcscd), "--foreground", "--config", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Kill pcscd."""
        if self._pcscd is not None:
            self._pcscd.kill()
            self._pcscd.wait(10)
            self._pcscd = None

    def signal(self, number: signal.Signals) -> None:
        """Send pcscd a signal."""
        assert self._pcscd is not None
        self._pcscd.send_signal(number)

    def restart(self, *, readers: bool = True) -> None:
        self.stop()
        self.start(readers=readers)

    def put(self, kind: str, *, slot: int = 0, leave_after: int | None = None, **tag: object) -> None:
        """Lay a tag on a reader."""
        self.do("put", slot=slot, leave_after=leave_after, tag={"kind": kind, **tag})

    def take(self, slot: int = 0) -> None:
        self.do("take", slot=slot)

    def asked_lights(self) -> list[str]:
        """Return what the reader's light has been told so far."""
        self.take(slot=1)  # its answer comes after what was said before
        return self.lights

    def fault(self, name: str, count: int, *, slot: int = 0) -> None:
        """Have the next APDUs answered with nonsense."""
        self.do("fault", name=name, count=count, slot=slot)

    def _until_empty(self) -> None:
        """Wait until pcscd sees no card on any reader.

        A reader's state is empty at once when a card leaves in mid exchange, but pcscd's own look at it comes up to
        0.4 s later and takes a card put there in between for the one before. It counts comings and goings: an even
        number says that it has looked. (One that found a card when it started may count from there: then it has had
        the time.)
        """
        begin = time.monotonic()
        while True:
            states = self._states()
            empty = bool(states) and all(state & scard.SCARD_STATE_EMPTY for state in states)
            waited = time.monotonic() - begin
            if empty and (waited > 1 or all((state >> 16) % 2 == 0 for state in states)):
                return
            assert waited < 20, "pcscd does not run, or holds on to a card"
            time.sleep(0.02)

    def _states(self) -> list[int]:
        """Return the readers' states; none where pcscd does not answer yet."""
        context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)[1]
        names = [(self.name(slot), scard.SCARD_STATE_UNAWARE) for slot in (0, 1)]
        try:
            result, states = scard.SCardGetStatusChange(context, 0, names)
        except SystemError:  # pyscard's own way of failing, seen while pcscd was starting under load
            return []
        scard.SCardReleaseContext(context)
        return [state for _, state, _ in states] if result == scard.SCARD_S_SUCCESS else []

    def do(self, do: str, **parameters: object) -> None:
        """Give one order and wait until it is done. Raises ValueError if it was refused."""
        assert self._cards.stdin is not None
        self._cards.stdin.write(json.dumps({"do": do, **parameters}) + "\n")
        self._cards.stdin.flush()
        while "did" not in (answer := self._next()):
            assert answer, "the simulated cards have ended"
            if "light" in answer:
                self.lights.append(answer["light"])
        if "error" in answer:
            raise ValueError(answer["error"])

    def _next(self) -> dict[str, Any]:
        assert self._cards.stdout is not None
        line = self._cards.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        return answer
