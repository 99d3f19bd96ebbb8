"""A private Mosquitto on a loopback port, for the demo and the tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_START_SECONDS = 10.0  # Mosquitto starts in 0.05 s; the rest is a busy machine
_STOP_SECONDS = 10.0
_PORT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of a TLS listener. ``require_client``: refuse clients without a certificate of the same CA."""

    ca: Path
    certificate: Path
    key: Path
    require_client: bool = False


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """What differs from a bare Mosquitto; names as in mosquitto.conf(5), None: Mosquitto's own default."""

    tls: Certificates | None = None
    password_file: Path | None = None
    acl_file: Path | None = None
    max_packet_size: int | None = None
    max_inflight_messages: int | None = None
    max_queued_messages: int | None = None
    max_queued_bytes: int | None = None


_SAME_NAME = (
    "password_file",
    "acl_file",
    "max_packet_size",
    "max_inflight_messages",
    "max_queued_messages",
    "max_queued_bytes",
)


class Broker:
    """Mosquitto with a configuration, a database and a log of its own in ``folder``.

    A context manager: started on entering, stopped on leaving. ``port`` stays the same through restarts. A
    Ctrl-C at the terminal does not reach it: whoever started it decides when it goes.
    """

    def __init__(self, folder: Path, options: BrokerOptions | None = None, port: int = 0) -> None:
        """``folder`` is made if missing; ``port`` 0: a free one. On start, FileNotFoundError without Mosquitto."""
        self.folder = folder
        self.options = options or BrokerOptions()
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        self.stop()

    @property
    def log(self) -> Path:
        """Everything Mosquitto says."""
        return self.folder / "mosquitto.log"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start, and return as soon as connections are accepted."""
        program = find_mosquitto()
        self.folder.mkdir(parents=True, exist_ok=True)
        chosen = self.port
        for _ in range(_PORT_TRIES):
            self.port = chosen or free_port()
            config = self.folder / "mosquitto.conf"
            config.write_text(self._config(), "utf-8")
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the program is Mosquitto, the file is ours
                    [program, "-c", str(config)], stdout=log, stderr=log, start_new_session=True
                )
            if self._accepts():
                return
        tail = self.log.read_text("utf-8", "replace")[-500:]
        raise RuntimeError(f"Mosquitto does not start: {tail}")

    def stop(self) -> None:
        """Stop cleanly: retained messages and sessions are saved."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: what was not yet saved is lost."""
        self._end(signal.SIGKILL)

    def restart(self, *, keep_memory: bool) -> None:
        """Stop and start on the same port, with or without retained messages and sessions."""
        if keep_memory:
            self.stop()
        else:
            self.kill()
            (self.folder / "mosquitto.db").unlink(missing_ok=True)
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nobody answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _accepts(self) -> bool:
        process = self._running()
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return process.poll() is None
        self.kill()
        return False

    def _config(self) -> str:
        options = self.options
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(options.password_file is None).lower()}",
            "persistence true",
            f"persistence_location {self.folder}/",
            "log_dest stdout",
            "set_tcp_nodelay true",  # otherwise Nagle and delayed acknowledgements cost up to 40 ms a message
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it would drop to "mosquitto", who cannot read this folder
        limits = {name: getattr(options, name) for name in _SAME_NAME}
        lines += [f"{name} {value}" for name, value in limits.items() if value is not None]
        if tls := options.tls:
            lines += [f"cafile {tls.ca}", f"certfile {tls.certificate}", f"keyfile {tls.key}"]
            lines.append(f"require_certificate {str(tls.require_client).lower()}")
        return "\n".join(lines) + "\n"


def find_mosquitto() -> str:
    """Return the path of Mosquitto. Raises FileNotFoundError that tells how to install it."""
    # Debian installs it in /usr/sbin, which is not in a user's PATH.
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if found is None:
        raise FileNotFoundError("Mosquitto is not installed: sudo apt-get install mosquitto")
    return found


def free_port() -> int:
    """Return a loopback TCP port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
