"""A box that boots: real systemd in a container, over the files of this machine, which stays as it is.

What the machine writes goes to a tmpfs. Nothing this machine has enabled runs in it, so that it boots in a second.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

# A bare boot takes one to two seconds; beside a whole test suite on two cores, many times as long.
BOOT_S = 60.0
COMMAND_S = 60.0
UNITS = "etc/systemd/system"
# They wait for a console or a seat, which a container has not.
SILENT = ("getty.target", "console-getty.service", "systemd-logind.service", "systemd-update-utmp.service")
# Each needs a group of its own, else two machines' services are in one: in systemd's own hierarchy (cgroups v1), in
# the one beside it (hybrid) or in the only one (v2).
CGROUPS = Path("/sys/fs/cgroup")
HIERARCHIES = ("systemd", "unified")
OPAQUE = "trusted.overlay.opaque"  # overlayfs: nothing of the folder below is seen
IN_CGROUPS = 'for group in $0; do echo $$ > "$group/cgroup.procs" || exit; done; exec "$@"'
# systemd-nspawn(1): what ends a container that is to be started again.
REBOOT = 133


class Machine:
    """A booted box. ``root``: its files, as seen from here; all but those in its own /tmp and /run."""

    def __init__(self, root: Path, command: Sequence[str]) -> None:
        self.root = root
        self._command = command
        self._nspawn: Process | None = None
        self._leader = 0

    async def boot(self) -> None:
        """Start it, and wait until systemd has started all there is to start."""
        with (self.root.parent / "console").open("ab") as console:
            self._nspawn = await asyncio.create_subprocess_exec(
                *self._command, stdin=DEVNULL, stdout=console, stderr=console
            )
        said = ""
        try:
            async with asyncio.timeout(BOOT_S):
                while said not in {"running", "degraded"}:
                    await asyncio.sleep(0.1)
                    assert self._nspawn.returncode is None, f"systemd-nspawn has ended: {self.console()}"
                    self._leader = _first_process(self._nspawn.pid)
                    if self._leader:
                        said = await self.run("systemctl", "is-system-running", check=False)
        except TimeoutError:
            jobs = await self.run("systemctl", "list-jobs", check=False)
            raise AssertionError(f"not booted within {BOOT_S} s: {said}\n{jobs}\n{self.console()}") from None

    async def reboot(self) -> None:
        """Shut down in order and come up again."""
        assert self._nspawn is not None
        await self.run("systemctl", "reboot", check=False)
        async with asyncio.timeout(BOOT_S):
            assert await self._nspawn.wait() == REBOOT
        await self.boot()

    async def cut_power(self) -> None:
        """End every process of the machine at once; ``boot`` brings it back."""
        if self._nspawn is None or self._nspawn.returncode is not None:
            return
        if leader := _first_process(self._nspawn.pid):
            with suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
        else:
            self._nspawn.kill()
        await self._nspawn.wait()

    async def run(self, *command: str, check: bool = True, seconds: float = COMMAND_S) -> str:
        """Run a command in the machine as root; return what it printed, errors with it.

        Raises CalledProcessError, which shows that, where it fails and ``check`` is set.
        """
        inside = ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        clean = ["env", "-i", path, "LANG=C.UTF-8", "HOME=/root", "SYSTEMD_COLORS=0"]
        process = await asyncio.create_subprocess_exec(
            *inside, *clean, *command, stdin=DEVNULL, stdout=PIPE, stderr=subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(seconds):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode("utf-8", "replace")
        if check and process.returncode:
            raise subprocess.CalledProcessError(process.returncode, f"{command}: {text[-4000:]}")
        return text.strip()

    def in_network(self) -> list[str]:
        """Return what before a command makes it run in the machine's network, with the files of this one."""
        return ["nsenter", f"--target={self._leader}", "--net", "--"]

    async def journal(self, unit: str) -> str:
        """Return what a unit, and systemd about it, have logged, in this boot and those before."""
        await self.run("journalctl", "--sync", check=False)
        return await self.run("journalctl", "--no-pager", "--quiet", "--output=cat", f"--unit={unit}")

    async def property(self, unit: str, name: str) -> str:
        """Return one of a unit's properties, as systemctl show has it."""
        return await self.run("systemctl", "show", f"--property={name}", "--value", unit)

    async def install(self, package: Path) -> str:
        """Install a deb that lies here; return what dpkg said."""
        shutil.copy(package, self.root / "var/tmp")
        return await self.run("dpkg", "--install", f"/var/tmp/{package.name}")

    def console(self) -> str:
        """Return the end of what the machine said on its console."""
        return (self.root.parent / "console").read_text("utf-8", "replace")[-4000:]


@asynccontextmanager
async def booted(folder: Path, *options: str) -> AsyncIterator[Machine]:
    """Boot a machine whose changes are kept below ``folder``, which is made; skips where none can be booted.

    ``options``: more for systemd-nspawn, ``--bind-ro=`` for example. It has loopback and no other network.
    """
    _skip_unless_possible()
    folder.mkdir(parents=True)
    name = f"edge-{os.getpid()}-{secrets.token_hex(4)}"
    with _files(folder) as root, _cgroups(name) as groups:
        machine = Machine(
            root,
            (
                *("sh", "-c", IN_CGROUPS, " ".join(map(str, groups)), "systemd-nspawn", "--quiet", "--register=no"),
                *("--keep-unit", "--private-network", f"--machine={name}", f"--directory={root}", "--link-journal=no"),
                *("--console=pipe", f"--uuid={secrets.token_hex(16)}", *options),
                *("--boot", "systemd.unit=multi-user.target"),
            ),
        )
        try:
            await machine.boot()
            yield machine
        finally:
            await machine.cut_power()


def _first_process(nspawn: int) -> int:
    """Return the process that is number 1 in the container, or 0 where there is none yet."""
    with suppress(OSError):
        for child in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text("ascii").split():
            status = Path(f"/proc/{child}/status").read_text("utf-8")
            ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
            if len(ids) > 2 and ids[-1] == "1":
                return int(child)
    return 0


@contextmanager
def _files(folder: Path) -> Iterator[Path]:
    """Lay a tmpfs over this machine's files."""
    with _mounted("tmpfs", folder, "mode=755"):
        root, upper = folder / "root", folder / "upper"
        units = upper / UNITS
        for made in (root, units, folder / "work", upper / "var/log/journal"):
            made.mkdir(parents=True)
        os.setxattr(units, OPAQUE, b"y")
        for unit in SILENT:
            (units / unit).symlink_to("/dev/null")
        with _mounted("overlay", root, f"lowerdir=/,upperdir={upper},workdir={folder / 'work'}"):
            yield root


@contextmanager
def _mounted(kind: str, where: Path, options: str) -> Iterator[None]:
    made = subprocess.run(["mount", "-t", kind, "-o", options, kind, str(where)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"cannot mount a {kind} here: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


@contextmanager
def _cgroups(name: str) -> Iterator[list[Path]]:
    """Make the control groups the machine lives in."""
    groups = [at / name for at in (CGROUPS / hierarchy for hierarchy in HIERARCHIES) if at.is_dir()] or [CGROUPS / name]
    try:
        for group in groups:
            group.mkdir()
        yield groups
    finally:
        for path, _, _ in (walked for group in groups for walked in os.walk(group, topdown=False)):
            with suppress(OSError):
                Path(path).rmdir()


def _skip_unless_possible() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can boot a machine")
    if shutil.which("systemd-nspawn") is None:
        pytest.skip("systemd-nspawn is not installed: sudo apt-get install systemd-container")
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed: sudo apt-get install systemd")
