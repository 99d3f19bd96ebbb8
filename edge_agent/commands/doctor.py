"""`edge-agent doctor`: what would keep this box from working, one line each with what to do. Never opens a line."""

import asyncio
import importlib.util
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.clock import Clock, TimeQuality
from edge_agent.commands.status import SYSTEM_SOCKET, ask
from edge_agent.config import Config
from edge_agent.config.devices import (
    BleSettings,
    DeviceSettings,
    NfcSettings,
    PcscSettings,
    SerialSettings,
    TcpListenSettings,
    TcpSettings,
)
from edge_agent.config.pushed import shelf_of
from edge_agent.config.shelf import Line
from edge_agent.errors import DeviceError, LinkError, StorageError
from edge_agent.uplink import probe
from edge_agent.uplink.settings import settings_of

CONNECT_S = 5.0
# The smallest state directory the agent works on (contract section 2) is 16 MB; below 64 MB free a weekend without a
# link (60 h x 200 orders an hour x 2 KB = 24 MB) already competes with captures.
LOW_SPACE = 64 * 1024 * 1024
# Where Linux shows what else may hold a reader.
KERNEL_PN533 = Path("/sys/module/pn533")
PCSCD_SOCKET = Path("/run/pcscd/pcscd.comm")
BLE_ADVICE = {
    "no_bus": "install and start dbus and bluetooth: sudo apt-get install bluez",
    "no_bluetoothd": "sudo systemctl enable --now bluetooth",
    "adapter_missing": "plug the adapter in, or correct `adapter`: bluetoothctl list",
    "powered_off": "the agent switches it on; if it stays off: rfkill list",
    "permission": "add the agent's user to the group bluetooth",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice``: what to do, empty where all is well."""

    subject: str
    ok: bool
    detail: str
    advice: str = ""

    def __str__(self) -> str:
        mark = "ok  " if self.ok else "FAIL"
        return f"{mark} {self.subject}: {self.detail}" + (f" -> {self.advice}" if self.advice else "")


def findings(config: Config) -> Iterator[Finding]:
    """Yield what was found, most basic first."""
    status = ask(config, "en")  # as all its own words are
    yield _agent(status)
    yield from _store_config(config)
    for warning in config.warnings:
        yield Finding("config", True, f"warning: {warning}")
    yield _state_dir(config.agent.agent.state_dir)
    yield _space(config.agent.agent.state_dir)
    yield _clock()
    seen = {device["id"]: device for device in status["devices"]} if status else {}
    for device in config.store.devices:
        yield _as_the_agent_sees_it(seen[device.id]) if device.id in seen else _device(device)
        if device.id not in seen and isinstance(device, SerialSettings) and device.passthrough is not None:
            yield _behind(device.id, device.passthrough)
    yield _broker(config, status["sync"]["connected"] if status else None)


def _agent(status: dict[str, Any] | None) -> Finding:
    if status:
        return Finding("agent", True, f"running, {status['level']}: {status['headline']}")
    if SYSTEM_SOCKET.exists() and not os.access(SYSTEM_SOCKET, os.W_OK):
        return Finding("agent", False, "this user may not ask it whether it runs", "use sudo")
    return Finding("agent", True, "not running")


def _store_config(config: Config) -> Iterator[Finding]:
    """Tell which store config is in force, and what has become of the last push."""
    sha256 = config.store_sha256[:12]
    try:
        line = shelf_of(config).line()
    except StorageError:  # config.fallback says so
        line = Line()
    if config.version == 0:
        yield Finding("store config", True, f"{config.store_file}, sha256 {sha256}")
    else:
        is_newest = (line.version, line.sha256, line.phase) == (config.version, config.store_sha256, "committed")
        since = f", since {line.at}" if is_newest else ""
        pushed = f"version {config.version}, pushed by head office, sha256 {sha256}{since}"
        yield Finding("store config", True, f"{pushed}; {config.store_file} is not in force")
    if config.fallback:
        yield Finding("store config", False, config.fallback, "have head office push it again, as a new version")
    if line.trial:
        yield Finding("pushed config", True, f"version {line.trial.config.version} is on trial since {line.trial.at}")
    elif line.code:
        yield Finding("pushed config", True, f"version {line.version}: {line.phase}, {line.code}: {line.detail}")


def _state_dir(path: Path) -> Finding:
    existing = _existing(path)
    if not existing.is_dir():
        return Finding("state directory", False, f"{existing} is not a directory", "name another state_dir")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding("state directory", False, f"{existing} is not writable", "run as the agent's user, or chown it")
    return Finding("state directory", True, f"{path}" + ("" if path.exists() else " (made on the first start)"))


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists; what may not be looked at counts as missing."""
    return next(parent for parent in (path, *path.parents) if os.path.exists(parent))  # noqa: PTH110 - never raises


def _space(path: Path) -> Finding:
    existing = _existing(path)
    free = shutil.disk_usage(existing).free
    text = f"{free // 1_000_000} MB free"
    if free < LOW_SPACE:
        return Finding("disk", False, text, "free some space: the agent keeps orders on a reserve only")
    return Finding("disk", True, text)


def _clock() -> Finding:
    now = Clock().now()
    if now.quality is TimeQuality.UNSYNCED:
        return Finding("clock", False, "not synchronized", "allow NTP to reach a time server; orders go on meanwhile")
    return Finding("clock", True, now.quality.value)


def _as_the_agent_sees_it(device: dict[str, Any]) -> Finding:
    """Take the running agent's word: many a device server throws its client out when a second one connects."""
    detail = f"{device['state']}" + (f", {device['detail']}" if device["detail"] else "")
    return Finding(f"device {device['id']}", device["state"] == "up", detail)


def _device(device: DeviceSettings) -> Finding:
    subject = f"device {device.id}"
    match device:
        case SerialSettings():
            return _serial(subject, Path(device.port))
        case TcpSettings():
            return _tcp(subject, device)
        case TcpListenSettings():
            return Finding(subject, True, f"listens on {device.listen}")
        case NfcSettings():
            return _nfc(subject, device)
        case PcscSettings():
            return _pcsc(subject, device)
        case BleSettings():
            return _ble(subject, device)
        case _:
            return Finding(subject, True, "nothing to look at from outside")


def _serial(subject: str, port: Path, key: str = "port") -> Finding:
    if not port.exists():
        return Finding(subject, False, f"{port} does not exist", f"plug the adapter in, or correct `{key}`")
    if not port.is_char_device():
        return Finding(subject, False, f"{port} is not a serial port", f"correct `{key}`: see /dev/serial/by-path")
    if not os.access(port, os.R_OK | os.W_OK):
        return Finding(subject, False, f"{port}: no permission", "add the agent's user to the group dialout")
    return Finding(subject, True, str(port))


def _behind(device: str, passthrough: str) -> Finding:
    """Look at a printer's port; a printer on the network is let be: it takes one connection, which is the relay's."""
    subject = f"printer behind {device}"
    if "://" in passthrough:
        return Finding(subject, True, f"{passthrough}; its relay tells whether it answers")
    return _serial(subject, Path(passthrough), "passthrough")


def _tcp(subject: str, device: TcpSettings) -> Finding:
    where = f"{device.host}:{device.port}"
    try:
        socket.create_connection((device.host, device.port), timeout=CONNECT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(subject, False, f"{where}: {reason}", "check the device server's power, address and port")
    return Finding(subject, True, f"{where} answers")


def _nfc(subject: str, device: NfcSettings) -> Finding:
    """Look at the port and at what else takes readers on USB; a tag is read by the running agent only."""
    if device.path.startswith("usb") and KERNEL_PN533.is_dir():
        advice = "sudo modprobe -r pn533_usb pn533, and blacklist both in /etc/modprobe.d"
        return Finding(subject, False, "the kernel's pn533 driver takes NFC readers for itself", advice)
    if device.path.startswith("usb") and PCSCD_SOCKET.exists():
        advice = "stop pcscd, or configure the reader as kind pcsc"
        return Finding(subject, False, "pcscd is running and takes USB readers for itself", advice)
    if device.path.startswith(("usb", "udp")):
        return Finding(subject, True, device.path)
    name = device.path.rpartition(":")[0]
    return _serial(subject, Path("/dev", name.removeprefix("tty:")) if name.startswith("tty:") else Path(name), "path")


def _pcsc(subject: str, device: PcscSettings) -> Finding:
    if importlib.util.find_spec("smartcard") is None:
        return Finding(subject, False, "pyscard is not installed", "docs/pcsc.md tells how")
    if not PCSCD_SOCKET.exists():
        return Finding(subject, False, "pcscd does not run", "sudo systemctl enable --now pcscd.socket")
    return Finding(subject, True, f"pcscd runs; the agent looks for {device.reader!r}")


def _ble(subject: str, device: BleSettings) -> Finding:
    """Ask BlueZ as the running agent does; it changes nothing and hears nothing."""
    trouble = asyncio.run(_adapter_trouble(device.adapter))
    if trouble is None:
        return Finding(subject, True, f"{device.adapter} is there and switched on")
    return Finding(subject, False, trouble.detail, BLE_ADVICE.get(trouble.reason, "docs/ble.md tells what to do"))


async def _adapter_trouble(adapter: str) -> DeviceError | None:
    from edge_agent.devices.ble.watch import watching  # noqa: PLC0415  D-Bus: only where an adapter is configured

    try:
        async with watching(adapter, lambda: None, answer=CONNECT_S) as watch:
            return watch.trouble()
    except DeviceError as error:
        return error


def _broker(config: Config, connected: bool | None) -> Finding:
    """Ask the running daemon; only without one connect: a second connection would throw the first one out."""
    mqtt = config.agent.mqtt
    where = f"{mqtt.host}:{mqtt.port}"
    if connected is not None:
        advice = "" if connected else "see the agent's headline above"
        return Finding("broker", connected, f"{where}: the agent is {'' if connected else 'not '}connected", advice)
    try:
        asyncio.run(probe(settings_of(config.agent)))
    except LinkError as error:
        return Finding("broker", False, f"{where}: {error}", "check address, certificates and account in [mqtt]")
    return Finding("broker", True, f"{where} accepts this box")
