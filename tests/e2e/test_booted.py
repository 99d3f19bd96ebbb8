"""What the units promise, under real systemd in a machine that boots."""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.simulator import central_reading
from tests.support.deployed import BINDS, ROOT, deploy, drop_in
from tests.support.machine import Machine, booted
from tests.support.shop import slips

UNIT = "edge-agent.service"
RELAY = "edge-agent-relay@till-1-printer.service"
PYTHON = "/opt/edge-agent/current/bin/python"
PATIENCE_S = 60.0

STORE_TOML = """\
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"

[[device]]
id = "till-1-printer"
kind = "serial"
touchpoint = "till-1"
port = "/run/till/port"
passthrough = "tcp://127.0.0.1:9101"
baudrate = 115200
decoder = "escpos"
encoding = "gb18030"
"""
PRINTER = """\
import socket
with socket.create_server(("127.0.0.1", 9101)) as server, open("/var/tmp/printed", "ab", buffering=0) as paper:
    while True:
        line, _ = server.accept()
        with line:
            while data := line.recv(65536):
                paper.write(data)
"""
# Each as the agent's libraries do it; what a sandbox forbids raises.
PROBE = """\
import asyncio, ctypes, json, os, resource
libc = ctypes.CDLL(None, use_errno=True)
order = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 3)(3, 1, 2)
libc.qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), order(lambda a, b: a[0] - b[0]))
assert list(numbers) == [1, 2, 3]

import usb1, nfc.clf
with usb1.USBContext() as usb:
    usb.getDeviceList()

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import algorithms
code = cmac.CMAC(algorithms.AES(bytes(16)))
code.finalize()

import aiosqlite, bleak
from dbus_fast.aio import MessageBus
from dbus_fast import BusType
async def main():
    async with aiosqlite.connect(os.environ["STATE_DIRECTORY"] + "/probe.db") as database:
        await database.execute("PRAGMA journal_mode=WAL")
        await database.execute("CREATE TABLE IF NOT EXISTS probe (x)")
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.disconnect()
asyncio.run(main())

def fails(what):
    try:
        what()
    except OSError as error:
        return error.errno
print(json.dumps({
    "core": resource.getrlimit(resource.RLIMIT_CORE), "uid": os.getuid(),
    "etc": fails(lambda: open("/etc/probe", "w")), "home": fails(lambda: os.listdir("/root")),
    "secrets": fails(lambda: os.listdir("/etc/edge-agent/credentials")),
    "executable": fails(lambda: __import__("mmap").mmap(-1, 4096, prot=7)),
    "namespaces": libc.unshare(0x10000000), "packets": fails(lambda: __import__("socket").socket(17, 3)),
}))
"""


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with booted(tmp_path / "machine", *BINDS) as machine:
        await deploy(machine, STORE_TOML)
        await machine.run("install", "-d", "-o", "edge-agent", "/run/till")
        yield machine


def broker_files(folder: Path) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    passwords, password, config = folder / "passwords", folder / "password", folder / "mosquitto.conf"
    passwords.touch(0o600)
    password.write_text("secret\n", "ascii")
    subprocess.run(["mosquitto_passwd", "-b", passwords, "sh-0001", "secret"], check=True, capture_output=True)
    config.write_text(f"user root\nlistener 1883 127.0.0.1\npassword_file {passwords}\n", "ascii")
    return config, password


@asynccontextmanager
async def head_office(machine: Machine, folder: Path) -> AsyncIterator[Path]:
    """Run a broker that asks for the password, and central, in the machine's network; give central's database."""
    config, password = broker_files(folder)
    network, database = machine.in_network(), folder / "central.db"
    broker = await asyncio.create_subprocess_exec(
        *network, "mosquitto", "-c", str(config), stdout=DEVNULL, stderr=DEVNULL
    )
    central = await asyncio.create_subprocess_exec(
        *(*network, sys.executable, "-m", "edge_agent.simulator.central", "--port=1883", "--quiet"),
        *(f"--database={database}", "--username=sh-0001", f"--password-file={password}"),
        stdout=PIPE,
        cwd=ROOT,
    )
    try:
        assert central.stdout is not None
        assert json.loads(await central.stdout.readline())["ready"]
        yield database
    finally:
        for process in (central, broker):
            process.kill()
            await process.wait()


async def sell(machine: Machine, books: dict[str, int], count: int) -> None:
    """Have a register in the machine print receipts; its cable stays in until the next takes its place."""
    unit, before = f"register-{len(books)}", len(books)
    await machine.run("systemctl", "stop", "register-*")
    register = (PYTHON, "-m", "edge_agent.simulator.register", "--link=/run/till/port", f"--first={before + 1}")
    await machine.run(
        *("systemd-run", "--quiet", f"--unit={unit}", "--uid=edge-agent", "--setenv=TZ=Asia/Shanghai", "--collect"),
        *(*register, f"--count={count}", "--interval=0.01"),
    )

    async def printed() -> bool:
        for line in (await machine.journal(unit)).splitlines():
            if line.startswith("{") and "order_no" in (row := json.loads(line)):
                books[row["order_no"]] = row["payable"]
        return len(books) == before + count

    await until(printed, lambda: machine.journal(unit))


async def until_confirmed(machine: Machine, database: Path, books: dict[str, int]) -> None:
    async def equal() -> bool:
        orders = central_reading.orders(database).values() if database.exists() else ()
        return {order.order_no: order.payable for order in orders} == books

    await until(equal, lambda: machine.journal(UNIT))


async def until(condition: Callable[[], Awaitable[bool]], explain: Callable[[], Awaitable[str]]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError((await explain())[-6000:]) from None


async def relays(machine: Machine) -> list[str]:
    return (await machine.run("pgrep", "-f", "relay_process.*till-1-printer", check=False)).split()


async def test_nothing_a_store_needs_is_fenced_out_and_the_rest_is(machine: Machine) -> None:
    """The agent's own unit, with another program in it."""
    text = (ROOT / "systemd/edge-agent.service").read_text("utf-8")
    kept = [row for row in text.splitlines() if not row.startswith(("ExecStart=", "Type=", "Restart=", "WatchdogSec="))]
    service = "\n".join(kept).replace("[Service]", f"[Service]\nType=oneshot\nExecStart={PYTHON} /opt/probe.py")
    (machine.root / "opt/probe.py").write_text(PROBE, "utf-8")
    (machine.root / "etc/systemd/system/probe.service").write_text(service, "utf-8")
    await machine.run("systemctl", "daemon-reload")
    await machine.run("systemctl", "start", "probe", check=False)

    told = await machine.journal("probe")
    assert await machine.property("probe", "Result") == "success", told
    assert json.loads(next(row for row in told.splitlines() if row.startswith("{"))) == {
        "core": [0, 0],
        "uid": int(await machine.run("id", "-u", "edge-agent")),
        "etc": 30,  # EROFS
        "home": 13,  # EACCES
        "secrets": 13,
        "executable": 1,  # EPERM
        "namespaces": -1,
        "packets": 97,  # EAFNOSUPPORT
    }


async def test_a_stuck_loop_ends_in_stacks_in_the_journal_and_a_fresh_start(machine: Machine) -> None:
    await drop_in(machine, UNIT, "WatchdogSec=3\n")
    # There is no till, no printer and no broker: it is ready all the same.
    await machine.run("systemctl", "start", UNIT)
    assert await machine.property(UNIT, "SubState") == "running"
    first = await machine.property(UNIT, "MainPID")
    assert not os.path.exists(machine.root / "run/till/port")  # noqa: PTH110

    await machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR2", UNIT)

    async def restarted() -> bool:
        return (
            await machine.property(UNIT, "NRestarts") == "1" and await machine.property(UNIT, "SubState") == "running"
        )

    await until(restarted, lambda: machine.journal(UNIT))
    assert await machine.property(UNIT, "MainPID") != first
    journal = await machine.journal(UNIT)
    assert "Watchdog timeout (limit 3s)!" in journal
    assert "signal ABRT" in journal or "status=6/ABRT" in journal
    assert "Fatal Python error: Aborted" in journal
    assert "edge_agent/__main__.py" in journal, "the main thread's own frames"
    assert "dumped core" not in journal


async def test_orders_and_tills_outlive_the_agent_and_the_box(machine: Machine, tmp_path: Path) -> None:
    books: dict[str, int] = {}
    await machine.run("systemd-run", "--quiet", "--unit=printer", "/usr/bin/python3", "-c", PRINTER)
    await machine.run("systemctl", "enable", "--now", UNIT)
    async with head_office(machine, tmp_path / "office") as database:
        await sell(machine, books, 3)
        # The broker asks for the password, which is only among the credentials.
        await until_confirmed(machine, database, books)

        # The relay that the agent has started prints on while there is no agent.
        started = await relays(machine)
        assert len(started) == 1
        await machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", UNIT)
        await machine.run("systemctl", "stop", UNIT)
        await sell(machine, books, 2)
        assert await relays(machine) == started
        assert b"\xa3" in (machine.root / "var/tmp/printed").read_bytes()
        await machine.run("systemctl", "start", UNIT)
        await until_confirmed(machine, database, books)

    # What nobody has confirmed is confirmed after the box was off; the relay is now its own unit's.
    await sell(machine, books, 2)

    async def recorded() -> bool:
        told = json.loads(await machine.run("/opt/edge-agent/current/bin/edge-agent", "status", "--json", check=False))
        return slips(told) == len(books)

    await until(recorded, lambda: machine.journal(UNIT))
    await drop_in(machine, RELAY, "WatchdogSec=3\n")
    await machine.run("systemctl", "enable", RELAY)
    await machine.reboot()
    await machine.run("install", "-d", "-o", "edge-agent", "/run/till")
    async with head_office(machine, tmp_path / "office") as database:
        await until_confirmed(machine, database, books)
        relay = await machine.property(RELAY, "MainPID")
        assert await relays(machine) == [relay]
        await machine.run("systemctl", "restart", UNIT)
        assert await machine.property(RELAY, "MainPID") == relay
        await sell(machine, books, 1)
        await until_confirmed(machine, database, books)

        # While a relay hangs no till prints.
        await machine.run("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", RELAY)

        async def restarted() -> bool:
            return await machine.property(RELAY, "MainPID") not in ("0", relay)

        await until(restarted, lambda: machine.journal(RELAY))
        await sell(machine, books, 1)
        await until_confirmed(machine, database, books)
