"""The agent's way to a relay: what it is told, where it listens, and how it is started and ended."""

import asyncio
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from edge_agent import decoders
from edge_agent.config.addresses import parse_tcp
from edge_agent.config.devices import SerialSettings
from edge_agent.config.explain import duration_text
from edge_agent.errors import ConfigError
from edge_agent.relay import messages
from edge_agent.relay.places import socket_path
from edge_agent.relay.settings import SerialLine, Settings, TcpAddress, encode
from edge_agent.sockets import runtime_directory, short_path

log = structlog.get_logger()

# A relay's log, where no journal takes it: a line for each change of state, so years; then it begins afresh.
_LOG_BYTES = 1024 * 1024
# systemd has started this process, so it may be starting the relay as well: it is left this long to do so.
GRACE_S = 5.0
END_S = 2.0
# What of the daemon's environment is its own: sd_notify(3), sd_watchdog_enabled(3).
_NOT_FOR_RELAYS = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})


@dataclass(frozen=True, slots=True)
class Relays:
    """The relays of one box. ``folder``: of their sockets; ``agent_file``: the configuration they are started with."""

    folder: Path
    agent_file: Path

    @classmethod
    def of(cls, state_dir: Path, agent_file: Path) -> "Relays":
        """Return those of a state directory; sockets are in the runtime directory where there is one."""
        return cls((runtime_directory() or state_dir).absolute() / "relays", agent_file.absolute())

    def command(self, settings: Settings) -> list[str]:
        """Return the command line of a relay's process: small, and still found by what was asked for."""
        asked = ["edge-agent", "relay", "--config", str(self.agent_file), settings.device]
        program = [sys.executable, "-m", "edge_agent.commands.relay_process"]
        return [*program, str(self.folder), encode(settings).decode(), *asked]

    def make_folder(self) -> None:
        """Make the folder, for nobody else's eyes. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, settings: Settings) -> None:
        """Start a relay as nobody's child, in a session of its own: it outlives whoever started it."""
        try:
            self.make_folder()
            error = [] if os.environ.get("JOURNAL_STREAM") else [self._log_to(settings.device)]
        except OSError:  # a full disk: tills print without a log, too
            error = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        silence = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
        environment = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_RELAYS}
        detached = ["/bin/sh", "-c", '"$@" &', "sh", *self.command(settings)]
        shell = os.posix_spawn("/bin/sh", detached, environment, file_actions=[nothing, silence, *error], setsid=True)
        os.waitpid(shell, 0)
        log.info("relay_spawned", device=settings.device)

    async def end_others(self, wanted: Collection[str]) -> None:
        """End the relays of devices that the configuration no longer passes through, within ``END_S``."""
        async with asyncio.TaskGroup() as group:
            for path in sorted(self.folder.glob("*.sock")):
                if path.stem not in wanted:
                    group.create_task(_end(path))

    def _log_to(self, device: str) -> tuple[int, int, str, int, int]:
        path = self.folder / f"{device}.log"
        long = path.exists() and path.stat().st_size > _LOG_BYTES
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if long else os.O_APPEND)
        os.close(os.open(path, flags, 0o600))
        return os.POSIX_SPAWN_OPEN, 2, str(path), os.O_WRONLY | os.O_APPEND, 0


def socket_of(relays: Relays, device: str) -> Path:
    """Return where a device's relay is spoken to."""
    return socket_path(relays.folder, device)


def relay_settings(settings: SerialSettings) -> Settings:
    """Return what a device's relay is to do. Raises ConfigError for a device that passes nothing through."""
    behind = settings.passthrough
    if behind is None:
        raise ConfigError(f"{settings.id} has no passthrough")

    def line(port: str) -> SerialLine:
        return SerialLine(
            port,
            settings.baudrate,
            settings.bytesize,
            settings.parity,
            settings.stopbits,
            settings.xonxoff,
            settings.rtscts,
        )

    printer = TcpAddress(*parse_tcp(behind)) if "://" in behind else line(behind)
    return Settings(settings.id, line(settings.port), printer, _display(settings) if settings.drive else None)


def _display(settings: SerialSettings) -> dict[str, str | int]:
    """Return the keys that the decoder adds to a line, as they are written in a configuration."""
    keys = decoders.settings_model(settings.decoder).model_fields
    values = {key: getattr(settings, key) for key in sorted(keys)}
    return {key: duration_text(value) if isinstance(value, timedelta) else value for key, value in values.items()}


async def _end(path: Path) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(END_S):
            await _tell(path, messages.End())
        log.info("relay_ended_as_not_configured", device=path.stem)


async def _tell(path: Path, message: messages.FromAgent) -> None:
    with short_path(path) as name:
        reader, writer = await asyncio.open_unix_connection(name)
    try:
        writer.write(messages.frame(message))
        await writer.drain()
        while await reader.read(4096):  # until it hangs up
            pass
    finally:
        writer.close()
