"""Real disks: one that is small, one that is full, one whose file system breaks, and calls that fail or take long."""

import asyncio
import os
import shutil
import signal
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, options: str = "size=16m") -> Iterator[Path]:
    """Make ``folder`` a file system of 16 MB, the smallest state_dir the contract allows; skips where none can be."""
    folder.mkdir()
    _mounted("mount", "-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def take_all(folder: Path) -> None:
    """Take the last byte there is, into the file ``filler``."""
    with (folder / "filler").open("ab", buffering=0) as filler, suppress(OSError):
        while filler.write(b"\0" * (64 * 1024 if os.statvfs(folder).f_bavail > 16 else 1)):
            pass


def take_inodes(folder: Path) -> list[Path]:
    """Take every file that can still be made; return them."""
    taken: list[Path] = []
    with suppress(OSError):
        while True:
            path = folder / f"taken-{len(taken)}"
            path.touch(exist_ok=False)
            taken.append(path)
    return taken


class Ext4:
    """An ext4 of 32 MB on a loop device, mounted at ``folder`` as Debian mounts it: an error makes it read-only."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self._image = image

    def mount(self) -> None:
        """Mount it; skips where that cannot be."""
        _mounted("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.folder))

    def fail(self) -> None:
        """Have the kernel find the file system broken: from now on it is read-only, under whoever is writing."""
        device = subprocess.run(
            ["findmnt", "-no", "SOURCE", str(self.folder)], capture_output=True, text=True, check=True
        ).stdout.strip()
        trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip(f"this kernel has no {trigger}")
        trigger.write_text("a fault of the matrix\n", "ascii")

    def mend(self) -> None:
        """Unmount, check and mount it, as a boot does; nobody may use it meanwhile."""
        self.unmount()
        checked = subprocess.run(["e2fsck", "-f", "-y", str(self._image)], capture_output=True, text=True, check=False)
        assert checked.returncode in (0, 1), checked.stdout
        self.mount()

    def unmount(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", str(self.folder)], check=True)


@contextmanager
def ext4_disk(image: Path, folder: Path) -> Iterator[Ext4]:
    """Make ``folder`` a small ext4; skips visibly where there is none, or no loop device."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed")
    with image.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    folder.mkdir()
    disk = Ext4(image, folder)
    disk.mount()
    try:
        folder.chmod(0o700)
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def injection(call: str, what: str, *paths: Path) -> tuple[str, ...]:
    """Return the command that does something to a system call of what it starts: strace(1), ``-e inject``.

    ``what``: ``error=EIO``, ``delay_enter=40s:when=1`` …; ``paths``: only calls on these files, all if there is none.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: sudo apt-get install strace")
    only = [argument for path in paths for argument in ("-P", str(path))]
    return ("strace", "-f", "-e", f"trace={call}", *only, "-e", f"inject={call}:{what}")


@asynccontextmanager
async def injected(pid: int, call: str, what: str, *paths: Path) -> AsyncIterator[None]:
    """Do the same to a process that runs, while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *injection(call, what, *paths),
        "-p",
        str(pid),
        stderr=PIPE,
        stdout=DEVNULL,
        stdin=DEVNULL,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            line = await process.stderr.readline()
        if b"attached" not in line:
            pytest.skip(f"strace cannot attach here: {line.decode().strip()}")
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(process.stderr.read())
            yield
            reading.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await process.wait()


def _mounted(*command: str) -> None:
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr.decode().strip()}")
