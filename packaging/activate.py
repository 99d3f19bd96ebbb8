#!/usr/bin/python3 -I
"""Make an installed version of edge-agent the one that runs, and take that back where it does not come up healthy.

    activate VERSION      0: it runs (or nothing runs here yet), 1: it did not, the version before it runs again

Of the standard library alone, and run by the system's Python: it must work where the version that it starts does not.
"""

import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNIT = "edge-agent.service"
CONTROL = Path("/run/edge-agent/control.sock")
CONFIG = Path("/etc/edge-agent/agent.toml")
SYSTEMD = Path("/run/systemd/system")  # there where systemd runs: sd_booted(3)

# A start takes some 3 s on a slow box; lines and the link may need their first time-outs (25 s: BlueZ by D-Bus).
HEALTHY_WITHIN_S = 60.0
# It must stay so: what fails on its first receipt or tick falls over after it said hello.
STEADY_S = 5.0
LOOK_EVERY_S = 0.2
ANSWER_S = 2.0
# Once may be the machine's fault; systemd has started it again by then.
CRASHES = 2
SAFE_MODE = "safe_mode"  # the condition of an agent that crashed again and again
LEVELS = ("ok", "attention", "action")  # edge_agent/health.py, the worst last


@dataclass(frozen=True)
class Seen:
    """What the running daemon says of itself. ``run``: systemd's id of this run; ``version`` "": nobody answers."""

    run: str = ""
    crashes: int = 0
    version: str = ""
    level: str = "action"
    conditions: tuple[str, ...] = ()
    stalled: tuple[str, ...] = ()

    def hopeless(self, version: str, before: "Seen") -> bool:
        """Tell whether waiting will not help: another program runs, or this one has given up by itself."""
        return self.run != before.run and bool(
            (self.version and self.version != version) or SAFE_MODE in self.conditions
        )

    def wrong(self, version: str, before: "Seen") -> str:
        """Return why this is not ``version`` in health, at least as well as what ran ``before``, or ""."""
        if not self.version or self.run == before.run:
            return "it does not answer"
        if self.version != version:
            return f"the running daemon reports version {self.version}"
        if self.stalled:
            return f"it makes no progress: {', '.join(self.stalled)}"
        if SAFE_MODE in self.conditions:
            return "it crashed until it went into safe mode"
        if before.version and rank(self.level) > rank(before.level):
            news = sorted(set(self.conditions) - set(before.conditions))
            return f"it is worse than before ({before.level} -> {self.level}: {', '.join(news)})"
        return ""


def rank(level: str) -> int:
    """Return how bad a level is; one that only another version knows is the worst."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def main() -> int:
    """Activate the version named on the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="activate", description="Make an installed version the one that runs.")
    parser.add_argument("version")
    parser.add_argument("--opt", type=Path, default=Path("/opt/edge-agent"), help="where the versions lie")
    options = parser.parse_args()
    opt: Path = options.opt
    if not is_complete(opt / options.version):
        there = ", ".join(version for version in versions(opt) if is_complete(opt / version))
        print(f"edge-agent {options.version} is not installed; there is: {there}", file=sys.stderr)
        return 1
    former, earlier = fallback(opt, options.version), target(opt / "previous")
    if former:
        point(opt / "previous", former)  # first: cut short from here on, the next run knows what to go back to
    if why := nothing_to_watch():
        flip(opt, options.version)
        print(f"edge-agent {options.version} is installed; {why}")
    elif not upgrade(opt, former, options.version):
        if former and earlier:
            point(opt / "previous", earlier)
        return 1
    prune(opt)
    return 0


def nothing_to_watch() -> str:
    """Return why no daemon is started here and what to do next, or "" where one is to run."""
    if not SYSTEMD.is_dir():
        return "systemd does not run here, so nothing was started"
    if not CONFIG.exists():
        return f"""not configured yet. Next:
  sudo cp -n /usr/share/edge-agent/*.toml {CONFIG.parent}/     # edit both
  edge-agent devices                    # what is plugged in, for store.toml
  sudo edge-agent check && sudo edge-agent doctor
  sudo systemctl start edge-agent"""
    if subprocess.run(["systemctl", "is-enabled", "--quiet", UNIT], check=False).returncode and not running():
        return f"{UNIT} is disabled: systemctl enable --now {UNIT}"
    return ""


def upgrade(opt: Path, former: str | None, version: str) -> bool:
    """Restart the daemon as ``version``; where that fails, as ``former`` again. Returns whether it stayed."""
    before = look()
    wrong = start(opt, version, before, STEADY_S)
    if not wrong:
        print(f"edge-agent {version} runs and is healthy")
        return True
    print(f"edge-agent {version} did not come up healthy: {wrong}", file=sys.stderr)
    print(last_words(), file=sys.stderr)
    if former is None:
        print("there is no other version to go back to; it is tried again for ever", file=sys.stderr)
        return False
    started = time.monotonic()
    # Whatever was wrong with the one before was wrong before: it has to answer, no more.
    if wrong := start(opt, former, Seen(run=look().run), 0.0):
        print(f"edge-agent {former} is back, but not healthy: {wrong}; see: journalctl -u {UNIT}", file=sys.stderr)
    else:
        seconds = time.monotonic() - started
        print(f"edge-agent {former} runs again (rolled back in {seconds:.1f} s); nothing is lost", file=sys.stderr)
    return False


def start(opt: Path, version: str, before: Seen, steady_s: float) -> str:
    """Restart the daemon as ``version`` and watch it. Returns what is wrong in the end, or ""."""
    flip(opt, version)
    systemctl("daemon-reload")
    systemctl("reset-failed", UNIT)
    systemctl("restart", "--no-block", UNIT)
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    well_since: float | None = None
    crashed_before: int | None = None
    run = ""
    while True:
        seen = look()
        now = time.monotonic()
        if seen.run not in {before.run, run}:
            run, well_since = seen.run, None
            crashed_before = seen.crashes if crashed_before is None else crashed_before
        if wrong := seen.wrong(version, before):
            well_since = None
            if crashed_before is not None and seen.crashes - crashed_before >= CRASHES:
                return "it ends again and again"
            if now > deadline or seen.hopeless(version, before):
                return wrong
        else:
            well_since = well_since or now
            if now - well_since >= steady_s:
                return ""
        time.sleep(LOOK_EVERY_S)


def look() -> Seen:
    """Ask systemd and the daemon how things are."""
    run, crashes = service("InvocationID"), int(service("NRestarts") or 0)
    try:
        stalled = ask("/healthz")["stalled"]
        status = ask("/api/status")
        codes = tuple(condition["code"] for condition in status["conditions"])
        return Seen(run, crashes, status["version"], status["level"], codes, tuple(stalled))
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return Seen(run, crashes)


class Control(http.client.HTTPConnection):
    """HTTP over the daemon's control socket."""

    def connect(self) -> None:
        """Connect to it. Raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(str(CONTROL))


def ask(path: str) -> Any:
    """Return what the daemon answers. Raises OSError, ValueError, HTTPException."""
    connection = Control("edge-agent")
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def service(name: str) -> str:
    """Return a property of the unit."""
    return systemctl("show", "--value", f"--property={name}", UNIT).strip()


def running() -> bool:
    """Tell whether the unit is started."""
    return service("ActiveState") in {"active", "activating", "reloading"}


def systemctl(*words: str) -> str:
    """Call systemctl; what fails shows in the daemon's health."""
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False).stdout


def last_words() -> str:
    """Return the last that the daemon itself said: mostly the reason."""
    command = ["journalctl", f"_SYSTEMD_UNIT={UNIT}", "--lines", "5", "--output", "cat", "--no-pager", "--quiet"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.rstrip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def versions(opt: Path) -> list[str]:
    """Return the versions that are installed, and those whose making was cut short."""
    return (
        sorted(path.name for path in opt.iterdir() if path.is_dir() and not path.is_symlink()) if opt.is_dir() else []
    )


def is_complete(folder: Path) -> bool:
    """Tell whether a version's making came to its end."""
    return (folder / ".complete").exists()


def current(opt: Path) -> str | None:
    """Return the version that is current, or None."""
    return target(opt / "current")


def target(link: Path) -> str | None:
    """Return what a symbolic link says, or None where there is none."""
    return str(link.readlink()) if link.is_symlink() else None


def fallback(opt: Path, version: str) -> str | None:
    """Return what to go back to from a version: the current one, or the one before where it is current already.

    It is, unproven, where a terminal or the power went while it was looked at.
    """
    known = [target(opt / "current"), target(opt / "previous")]
    return next((one for one in known if one not in {None, version} and is_complete(opt / str(one))), None)


def flip(opt: Path, version: str) -> None:
    """Make a version current: at every moment one of both is, whatever is cut short."""
    point(opt / "current", version)


def point(link: Path, target: str) -> None:
    """Make a symbolic link, or change it in one step."""
    fresh = link.with_name(f".{link.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    folder = os.open(link.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def prune(opt: Path) -> None:
    """Remove all versions but the current one, the one before it, and those that a process still runs from."""
    kept = {current(opt), target(opt / "previous")}
    for version in versions(opt):
        if version not in kept and not in_use(opt / version):
            shutil.rmtree(opt / version)


def in_use(folder: Path) -> bool:
    """Tell whether a process was started from a version: a relay goes on for months, as tills print on."""
    start = os.fsencode(folder) + b"/"
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes().startswith(start):
                return True
        except OSError:  # it has ended
            continue
    return False


if __name__ == "__main__":
    sys.exit(main())
