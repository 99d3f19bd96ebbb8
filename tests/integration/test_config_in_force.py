"""The commands beside the daemon go by the config that was pushed, and say so."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.config import load
from edge_agent.config.pushed import shelf_of, table_of
from edge_agent.config.shelf import Line, Shelf, Trial
from edge_agent.contract.remote import ConfigId
from tests.support.command import edge_agent
from tests.support.storage import until
from tests.unit.config.conftest import AGENT, STORE

SINCE = "2026-11-22T10:31:05.120+08:00"


class Box:
    """A box with a push that was committed: its till is called otherwise, and a second device stands there."""

    def __init__(self, folder: Path) -> None:
        self.agent_file = folder / "agent.toml"
        self.agent_file.write_text(AGENT, "utf-8")
        (folder / "store.toml").write_text(STORE, "utf-8")
        files = load(self.agent_file)
        self.shelf: Shelf = shelf_of(files)
        self.table = table_of(files)
        lines = {"id": "pushed-lines", "kind": "tcp", "touchpoint": "till-1", "host": "127.0.0.1", "port": 9}
        self.table["device"].append({**lines, "decoder": "lines", "encoding": "gb18030"})
        self.id = self.keep(42)
        self.line = Line(version=42, sha256=self.id.sha256, phase="committed", at=SINCE, committed=(self.id,))
        self.shelf.write(self.line)

    def keep(self, version: int, change: Callable[[dict[str, Any]], None] = lambda _: None) -> ConfigId:
        change(self.table)
        target = {"tenant": "acme", "store": "sh-0001", "agent": "pc-1"}
        push = {"type": "config", "target": target, "version": version, "expires": "2030-01-01T00:00:00Z"}
        return ConfigId(version, self.shelf.keep(msgspec.json.encode(push | {"config": self.table})))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_check_looks_at_both_files_and_says_what_is_in_force(box: Box) -> None:
    done = edge_agent("check", "--config", box.agent_file)

    store = box.agent_file.with_name("store.toml")
    assert (done.code, done.lines) == (0, [
        f"{box.agent_file}: ok",
        f"{store}: ok (1 devices)",
        f"in force: version 42, pushed by head office (2 devices); not {store}",
    ])  # fmt: skip


def test_doctor_says_which_config_is_in_force_and_what_became_of_the_last_push(box: Box) -> None:
    out = edge_agent("doctor", "--config", box.agent_file).out
    pushed = f"ok   store config: version 42, pushed by head office, sha256 {box.id.sha256[:12]}"
    assert f"{pushed}, since {SINCE}; " in out
    assert "store.toml is not in force\n" in out
    assert "device pushed-lines: " in out

    later = msgspec.structs.replace(
        box.line, version=43, sha256="0" * 64, phase="rolled_back", code="device_failed", detail="till-1: missing"
    )
    box.shelf.write(later)
    (box.shelf.folder / f"{box.id.sha256}.json").write_bytes(b"damaged")
    out = edge_agent("doctor", "--config", box.agent_file).out
    assert f"ok   store config: {box.agent_file.with_name('store.toml')}, sha256 " in out
    assert "FAIL store config: version 42: its bytes are missing or damaged -> " in out
    assert "ok   pushed config: version 43: rolled_back, device_failed: till-1: missing\n" in out


def test_diagnostics_hold_what_is_in_force_and_what_was(box: Box, tmp_path: Path) -> None:
    bundle = tmp_path / "out.tar.gz"
    assert edge_agent("diagnostics", bundle, "--config", box.agent_file).code == 0

    with tarfile.open(bundle, "r:gz") as archive:
        files = {member.name.partition("/")[2]: archive.extractfile(member) for member in archive.getmembers()}
        read = {name: file.read() for name, file in files.items() if file}
    assert json.loads(read["config.json"]) == {"version": 42, "sha256": box.id.sha256, "config": box.table}
    assert json.loads(read["line.json"])["committed"] == [{"version": 42, "sha256": box.id.sha256}]
    assert read["store.toml"] == STORE.encode()


def test_decode_takes_a_devices_settings_from_the_push(box: Box) -> None:
    slip = '{"order_no":"A-1","cashier":"饮料","payable":"16.00"}\n'.encode("gb18030")

    done = edge_agent("decode", "lines", "-", "--config", box.agent_file, "--device", "pushed-lines", stdin=slip)

    assert (done.code, done.err) == (0, "")
    assert "A-1" in done.out


@pytest.mark.parametrize(("on_trial", "printer"), [(False, "printer-42"), (True, "printer-43")])
def test_a_relay_serves_what_was_pushed_even_on_trial(box: Box, on_trial: bool, printer: str) -> None:
    now = box.keep(42, lambda table: table["device"][0].update(passthrough="printer-42"))
    line = msgspec.structs.replace(box.line, sha256=now.sha256, committed=(now,))
    if on_trial:
        next_one = box.keep(43, lambda table: table["device"][0].update(passthrough="printer-43"))
        line = msgspec.structs.replace(line, sha256=next_one.sha256, trial=Trial(next_one, "boot", SINCE))
    box.shelf.write(line)

    command = [sys.executable, "-m", "edge_agent", "relay", "till-1-printer", "--config", str(box.agent_file)]
    relay = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        cmdline = Path(f"/proc/{relay.pid}/cmdline")
        _until(lambda: b"relay_process" in cmdline.read_bytes())
        assert f"/{printer}".encode() in cmdline.read_bytes()
    finally:
        with suppress(ProcessLookupError):
            os.kill(relay.pid, signal.SIGTERM)
        relay.wait(30)


def _until(true: Callable[[], bool]) -> None:
    asyncio.run(until(true))
