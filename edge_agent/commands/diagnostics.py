"""`edge-agent diagnostics`: everything support needs to see, in one file that may be sent by mail.

What was written to logs and captures is redacted already; all text goes through the redactor once more, with a key of
its own that is thrown away. Files that hold keys or passwords are named by the configuration and never opened.
"""

import io
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from edge_agent import __version__
from edge_agent.clock import Clock
from edge_agent.commands import devices, doctor, status
from edge_agent.config import Config
from edge_agent.config.pushed import shelf_of, table_of
from edge_agent.devices.relay_start import Relays
from edge_agent.errors import AgentError, ConfigError
from edge_agent.redact import Redactor
from edge_agent.storage.captures import stored

CAPTURES = 20  # enough to make a template from (three are), few enough for a mail: some 2 KB each
LOG_LINES = 5_000  # a week of a healthy box, the last hours of a sick one
LOG_S = 20.0
JOURNAL = ("journalctl", "--unit=edge-agent", "--unit=edge-agent-relay@*", "--no-pager", f"--lines={LOG_LINES}")

ABOUT = """What is in this bundle:
agent.toml, store.toml   the configuration; keys and passwords are files of their own and not in here
config.json line.json    the store config that is in force, where head office pushed one; which pushes there were
status.json metrics.txt  what the running agent says of itself
doctor.txt devices.txt   what this box looks like from outside
versions.txt files.txt   software, and the sizes of the agent's files
log.txt relays.txt       the end of the log; and of the relays' own, where they don't write to the journal
captures/                the newest redacted receipts, as the register sent them
Payment codes, card and telephone numbers are replaced everywhere.
"""


def write_bundle(config: Config, out: Path) -> Iterator[str]:
    """Write the bundle to ``out``, readable by this user only; yield the name of each file in it.

    What can't be had is told in its file. Raises ConfigError if ``out`` can't be written.
    """
    redactor = Redactor(secrets.token_bytes(32))
    temporary = out.with_name(out.name + ".new")
    try:
        temporary.unlink(missing_ok=True)  # in a folder of everybody's it may be somebody else's, or a link
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
            for name, make in _texts(config).items():
                text = "\n".join(redactor.redact_text(line) for line in _made(make).splitlines())
                yield _add(bundle, name, (text + "\n").encode("utf-8", "replace"))
            for sha256, body in stored(config.agent.agent.state_dir / "captures", CAPTURES):
                yield _add(bundle, f"captures/{sha256[:16]}.bin", body)
        temporary.rename(out)
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror or error}; name a file in a folder that you may write to") from error
    finally:
        temporary.unlink(missing_ok=True)


def _texts(config: Config) -> dict[str, Callable[[], str]]:
    return {
        "README.txt": lambda: ABOUT,
        "agent.toml": lambda: config.agent_file.read_text("utf-8", "replace"),
        "store.toml": lambda: config.store_file.read_text("utf-8", "replace"),
        "config.json": lambda: _pushed(config),
        "line.json": lambda: _line(config),
        "status.json": lambda: json.dumps(status.ask(config) or "not running", ensure_ascii=False, indent=2),
        "metrics.txt": lambda: status.metrics(config) or "not running",
        "doctor.txt": lambda: "\n".join(map(str, doctor.findings(config))),
        "devices.txt": lambda: "\n".join(map(str, devices.found())),
        "versions.txt": _versions,
        "files.txt": lambda: "\n".join(_files(config.agent.agent.state_dir)),
        "log.txt": _log,
        "relays.txt": lambda: "\n".join(_relay_logs(config)),
    }


def _made(make: Callable[[], str]) -> str:
    try:
        return make()
    except (AgentError, OSError, subprocess.SubprocessError) as error:
        return f"not to be had: {error}"


def _pushed(config: Config) -> str:
    if config.version == 0:
        return config.fallback or "none: store.toml is in force"
    table = {"version": config.version, "sha256": config.store_sha256, "config": table_of(config)}
    return json.dumps(table, ensure_ascii=False, indent=2)


def _line(config: Config) -> str:
    return json.dumps(msgspec.to_builtins(shelf_of(config).line()), ensure_ascii=False, indent=2)


def _versions() -> str:
    packages = sorted(f"{item.name} {item.version}" for item in metadata.distributions())
    now = Clock().now()
    system = (f"edge-agent {__version__}", f"python {sys.version}", platform.platform(), f"clock {now.quality.value}")
    return "\n".join((*system, f"up {now.uptime_ms // 1000} s", *packages))


def _files(state_dir: Path) -> Iterator[str]:
    usage = shutil.disk_usage(state_dir)
    yield f"disk: {usage.free} of {usage.total} bytes free"
    for path in sorted(path for path in state_dir.rglob("*") if path.is_file()):
        stat = path.stat()
        changed = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
        yield f"{stat.st_size:>12} {changed} {path.relative_to(state_dir)}"


def _log() -> str:
    if shutil.which(JOURNAL[0]) is None:
        return "this system has no journal: add what the agent printed by hand"
    done = subprocess.run(JOURNAL, capture_output=True, timeout=LOG_S, check=False)  # noqa: S603 - a constant
    return (done.stdout or done.stderr).decode("utf-8", "replace")


def _relay_logs(config: Config) -> Iterator[str]:
    relays = Relays.of(config.agent.agent.state_dir, config.agent_file)
    for path in sorted(relays.folder.glob("*.log")):
        yield f"{path.stem}:"
        yield from path.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]


def _add(bundle: tarfile.TarFile, name: str, body: bytes) -> str:
    member = tarfile.TarInfo(f"edge-agent-diagnostics/{name}")
    member.size, member.mode, member.mtime = len(body), 0o600, Clock().now().wall_ms // 1000
    bundle.addfile(member, io.BytesIO(body))
    return name
