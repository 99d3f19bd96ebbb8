"""A private D-Bus daemon on a socket of its own, for the demo and the tests."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

_START_SECONDS = 10.0  # dbus-daemon starts in 0.02 s; the rest is a busy machine
_STOP_SECONDS = 10.0
# unix(7): sun_path has 108 bytes with the closing zero.
_LONGEST_PATH = 107

# Without the policy for receiving, every client hangs in its first call. The limits are those of dbus-daemon's own
# session.conf: bursts of adverts wait in the daemon's memory and must not be refused.
_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <keep_umask/>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*" eavesdrop="true"/>
  </policy>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""


class Bus:
    """dbus-daemon with a configuration and a socket of its own in ``folder``.

    A context manager: started on entering, stopped on leaving. ``address`` is what DBUS_SYSTEM_BUS_ADDRESS takes; it
    stays the same through restarts. Every client loses its connection when the daemon ends.
    """

    def __init__(self, folder: Path) -> None:
        """``folder`` is made if missing. On start, FileNotFoundError without dbus-daemon."""
        self.folder = folder
        self._short: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)

    @property
    def socket(self) -> Path:
        """The daemon's socket: in ``folder`` where its path is short enough, else in a temporary folder."""
        wanted = self.folder.absolute() / "bus"
        if len(bytes(wanted)) <= _LONGEST_PATH:
            return wanted
        if self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="bus-"))
        return self._short / "bus"

    @property
    def address(self) -> str:
        """The D-Bus address of the bus."""
        return f"unix:path={self.socket}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start, and return as soon as connections are accepted."""
        program = find_dbus_daemon()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        config = self.folder / "bus.conf"
        config.write_text(_CONFIG.format(path=self.socket), "utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - the program is dbus-daemon, the file is ours
            [program, f"--config-file={config}", "--nofork", "--nopidfile"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait(self._process)

    def stop(self) -> None:
        """Stop it; clients see their connection closed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(self.socket))
                except OSError:
                    time.sleep(0.005)
                else:
                    return
        status = process.poll()
        self.kill()
        raise RuntimeError(f"dbus-daemon does not start: status {status}, see {self.folder / 'bus.conf'}")

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


def find_dbus_daemon() -> str:
    """Return the path of dbus-daemon. Raises FileNotFoundError that tells how to install it."""
    found = shutil.which("dbus-daemon") or shutil.which("dbus-daemon", path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if found is None:
        raise FileNotFoundError("dbus-daemon is not installed: sudo apt-get install dbus-daemon")
    return found
