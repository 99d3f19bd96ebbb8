"""The relay as a process of its own: real pseudo-terminals, real sockets, real signals."""

import asyncio
import os
import random
import shutil
import signal
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.relay.copying import SPOOL
from tests.bench.relay import in_turn
from tests.support.command import edge_agent
from tests.support.devices import SEED, supervised
from tests.support.manager_of_services import service_manager
from tests.support.relay import Passing, passing, read_all, relay_processes, tcp_printer


def noise(count: int) -> bytes:
    return random.Random(SEED).randbytes(count)


@asynccontextmanager
async def by_hand(bench: Passing, **environment: str) -> AsyncIterator[Process]:
    """Run ``edge-agent relay`` as an installer does, or a service manager."""
    config = bench.write_config()
    command = (sys.executable, "-m", "edge_agent", "relay", "--config", config, "till-1")
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, env={**os.environ, **environment})
    try:
        await bench.serving()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("count", [48_000, 4_000_000])
async def test_bytes_pass_exactly_both_ways_at_once(tmp_path: Path, count: int) -> None:
    down, up = noise(count), noise(count)[::-1]
    async with passing(tmp_path) as bench, by_hand(bench) as process:
        async with asyncio.TaskGroup() as tasks:
            heard = tasks.create_task(read_all(bench.register, count))
            tasks.create_task(bench.register.write(down))
            tasks.create_task(bench.printer.cable.write(up))
            tasks.create_task(bench.printer.until(lambda: len(bench.printer.printed) >= count))
        assert bench.printer.printed == down
        assert heard.result() == up
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize("count", [48_000, 4_000_000])
async def test_bytes_pass_exactly_to_a_printer_on_the_network(tmp_path: Path, count: int) -> None:
    down, up = noise(count), noise(count)[::-1]
    async with (
        tcp_printer() as printer,
        passing(tmp_path, f"tcp://127.0.0.1:{printer.port}") as bench,
        by_hand(bench),
    ):
        await printer.until(lambda: printer.connection is not None)
        assert printer.connection is not None
        async with asyncio.TaskGroup() as tasks:
            heard = tasks.create_task(read_all(bench.register, count))
            tasks.create_task(bench.register.write(down))
            printer.connection.write(up)
            tasks.create_task(printer.until(lambda: len(printer.printed) >= count))
        assert printer.printed == down
        assert heard.result() == up


async def test_bytes_do_not_wait_for_company(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, by_hand(bench):
        await bench.register.write(b"open?")
        await bench.printer.until(lambda: bench.printer.printed == b"open?")
        bench.printer.hold()
        _, relayed = await asyncio.to_thread(in_turn, bench.register._master, bench.printer.cable._master, 100)
        bench.printer.take()
    assert statistics.median(relayed) < 0.02  # 0.15 ms where it was measured; a timer would show


async def test_a_slow_printer_slows_the_register_and_loses_nothing(tmp_path: Path) -> None:
    down = noise(400_000)
    async with passing(tmp_path) as bench, by_hand(bench):
        bench.printer.hold()
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(bench.register.write(down))
            while bench.register.unread() < 1024:  # the relay has stopped reading
                await asyncio.sleep(0.01)
            assert not writing.done()
            bench.printer.take()
            await bench.printer.until(lambda: len(bench.printer.printed) == len(down))
        assert bench.printer.printed == down


async def test_a_printer_that_goes_and_returns_prints_everything_meant_for_it(tmp_path: Path) -> None:
    async with (
        tcp_printer() as printer,
        passing(tmp_path, f"tcp://127.0.0.1:{printer.port}") as bench,
        by_hand(bench),
    ):
        await bench.register.write(b"before ")
        await printer.until(lambda: printer.printed == b"before ")
        await printer.switch_off()
        down = noise(48_000)
        await bench.register.write(down)
        while bench.register.unread():
            await asyncio.sleep(0.01)
        await printer.switch_on()
        await printer.until(lambda: len(printer.printed) >= 7 + len(down))
        assert printer.printed == b"before " + down


async def test_both_cables_may_be_pulled_and_put_back(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, by_hand(bench):
        sent = b""
        for turn in range(3):
            bench.register.unplug()
            bench.register.plug()
            bench.printer.unplug()
            bench.printer.plug()
            line = b"receipt %d " % turn
            sent += line
            await bench.register.write(line)
            await bench.printer.until(lambda expected=sent: bench.printer.printed == expected)  # type: ignore[misc]
            await bench.printer.cable.write(b"status")
            assert await read_all(bench.register, 6) == b"status"


async def test_one_device_has_one_relay(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, by_hand(bench):
        second = await asyncio.to_thread(edge_agent, "relay", "--config", bench.folder / "agent.toml", "till-1")
        assert second.code == 1
        assert "relay_runs_already" in second.err
        await bench.register.write(b"still here")
        await bench.printer.until(lambda: bench.printer.printed == b"still here")


def test_a_device_without_a_passthrough_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    bench = Passing(tmp_path)
    config = bench.write_config()
    unknown = edge_agent("relay", "--config", config, "till-2")
    assert (unknown.code, unknown.err) == (2, "there is no device 'till-2'; did you mean till-1?\n")
    store = tmp_path / "store.toml"
    store.write_text("\n".join(line for line in store.read_text().splitlines() if "passthrough" not in line))
    without = edge_agent("relay", "--config", config, "till-1")
    assert (without.code, without.err) == (2, "till-1 has no passthrough\n")


async def test_the_relay_is_small(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, by_hand(bench) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0])
        loaded = Path(f"/proc/{process.pid}/maps").read_text()
    assert resident < 45_000  # kB; 30 MB where it was measured
    assert "pydantic" not in loaded
    assert "sqlite" not in loaded


async def test_the_agent_reads_what_is_printed(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, supervised(bench.device(), bench.emit):
        await bench.states.until_last("up")
        await bench.register.write(b"one\ntwo\n")
        await bench.emit.until(lambda: bench.emit.codes == ["one", "two"])
        await bench.printer.until(lambda: bench.printer.printed == b"one\ntwo\n")


async def test_the_till_prints_on_while_the_agent_is_away_and_the_agent_reads_it_later(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
            await bench.register.write(b"one\nhalf of ")
            await bench.journal.until(lambda: bench.journal.kept.endswith(b"half of "))
        pid = bench.pid()
        await bench.register.write(b"two\nthree\n")
        await bench.printer.until(lambda: bench.printer.printed.endswith(b"three\n"))
        async with supervised(bench.device(), bench.emit):
            await bench.emit.until(lambda: len(bench.emit.codes) >= 3)
        assert bench.emit.codes == ["one", "half of two", "three"]
        assert bench.pid() == pid
        assert "copy_lost" not in bench.states.reasons


async def test_a_killed_relay_is_started_again_and_what_it_took_with_it_is_told(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        device = bench.device()
        async with supervised(device, bench.emit):
            await bench.states.until_last("up")
            await bench.register.write(b"one\nhalf")
            await bench.journal.until(lambda: bench.journal.kept.endswith(b"half"))
        await bench.register.write(b" gone\n")  # printed while no agent takes its copy
        await bench.printer.until(lambda: bench.printer.printed == b"one\nhalf gone\n")
        pid = await bench.serving()
        os.kill(pid, signal.SIGKILL)
        async with supervised(bench.device(), bench.emit):
            await bench.states.until(lambda: "copy_lost" in bench.states.reasons)
            await bench.register.write(b"two\n")
            await bench.emit.until(lambda: "two" in bench.emit.codes)
        lost = next(state for state in bench.states.all if state.reason == "copy_lost")
        assert lost.detail.startswith("6 bytes")
        assert bench.emit.codes == ["one", "half", "two"]
        await bench.printer.until(lambda: bench.printer.printed == b"one\nhalf gone\ntwo\n")
        assert await bench.serving() != pid


async def test_a_relay_killed_while_the_agent_listens_is_back_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, supervised(bench.device(), bench.emit):
        await bench.states.until_last("up")
        await bench.register.write(b"one\n")
        await bench.emit.until(lambda: bench.emit.codes == ["one"])
        os.kill(await bench.serving(), signal.SIGKILL)
        await bench.register.write(b"two\n")
        await bench.emit.until(lambda: bench.emit.codes == ["one", "two"])
        await bench.printer.until(lambda: bench.printer.printed == b"one\ntwo\n")
        assert "relay_missing" in bench.states.reasons
        assert "copy_lost" not in bench.states.reasons


async def test_a_relay_that_hangs_is_told_and_its_copy_is_read_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.devices.relayed.HELLO_S", 0.3)
    async with passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
        relay = await bench.serving()
        os.kill(relay, signal.SIGSTOP)
        await bench.register.write(b"meanwhile\n")
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("relay_missing")
            os.kill(relay, signal.SIGCONT)
            await bench.emit.until(lambda: bench.emit.codes == ["meanwhile"])
            await bench.states.until_last("up")
        assert await bench.serving() == relay


async def test_its_service_manager_has_signs_of_life_until_it_hangs_and_after_it_is_told_otherwise(
    tmp_path: Path,
) -> None:
    with service_manager(tmp_path) as manager:
        async with passing(tmp_path) as bench, by_hand(bench, **manager.environment(0.3)) as process:
            await manager.until("READY=1")
            await manager.until("WATCHDOG=1")
            # A relay that is told to do something else begins again as the same process.
            changed = bench.settings.model_copy(update={"baudrate": 19200})
            async with supervised(bench.device(settings=changed), bench.emit):
                await manager.until("READY=1")
                await manager.until("WATCHDOG=1")
            process.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            manager.hear()
            await asyncio.sleep(1.0)  # that nothing is said is seen by nothing that comes
            assert manager.hear() == []
            process.send_signal(signal.SIGCONT)
            await manager.until("WATCHDOG=1")


async def test_what_does_not_fit_into_the_spool_is_told_and_no_two_receipts_are_glued(tmp_path: Path) -> None:
    line = b"x" * 999 + b"\n"
    async with passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
            await bench.register.write(b"head of a receipt")
            await bench.journal.until(lambda: bench.journal.kept != b"")
        count = SPOOL // len(line) + 100
        await bench.register.write(b"\n" + line * count)
        await bench.printer.until(lambda: bench.printer.printed.endswith(line * 2) and not bench.register.unread())
        await bench.printer.until(lambda: len(bench.printer.printed) == 18 + count * len(line))
        async with supervised(bench.device(), bench.emit):
            await bench.register.write(b"the last\n")
            await bench.emit.until(lambda: "the last" in bench.emit.codes)
        assert bench.emit.codes[0] == "head of a receipt"
        lost = [int(state.detail.split()[0]) for state in bench.states.all if state.reason == "copy_lost"]
        missing = sum(lost)  # the last line may push out the oldest bytes while the first loss is being told
        assert missing >= count * len(line) - SPOOL
        read = sum(len(code) + 1 for code in bench.emit.codes) - 1  # the head had no line end
        await bench.printer.until(lambda: missing + read == len(bench.printer.printed))


async def test_a_change_of_the_line_is_taken_over_by_the_same_process(tmp_path: Path) -> None:
    async with tcp_printer() as printer, passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
            await bench.register.write(b"one\n")
            await bench.emit.until(lambda: bench.emit.codes == ["one"])
            pid = bench.pid()
        new = bench.changed(passthrough=f"tcp://127.0.0.1:{printer.port}")
        async with supervised(bench.device(new), bench.emit):
            await printer.until(lambda: printer.connection is not None)
            await bench.register.write(b"two\n")
            await bench.emit.until(lambda: bench.emit.codes == ["one", "two"])
            assert bench.pid() == pid
        assert bench.printer.printed == b"one\n"
        assert printer.printed == b"two\n"


async def test_a_change_of_the_line_loses_nothing_that_came_while_the_agent_was_away(tmp_path: Path) -> None:
    async with tcp_printer() as printer, passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
            await bench.register.write(b"one\n")
            await bench.emit.until(lambda: bench.emit.codes == ["one"])
        await bench.register.write(b"two\n")
        await bench.printer.until(lambda: bench.printer.printed == b"one\ntwo\n")
        bench.printer.unplug()
        await bench.register.write(b"three\n")  # nobody reads it, and nothing prints it
        new = bench.changed(passthrough=f"tcp://127.0.0.1:{printer.port}")
        async with supervised(bench.device(new), bench.emit):
            await printer.until(lambda: printer.connection is not None)
            await bench.register.write(b"four\n")
            await bench.emit.until(lambda: "four" in bench.emit.codes)
        assert bench.emit.codes == ["one", "two", "three", "four"]
        await printer.until(lambda: printer.printed == b"three\nfour\n")
        assert "copy_lost" not in bench.states.reasons


async def test_a_relay_that_begins_again_keeps_its_port_and_its_place(tmp_path: Path) -> None:
    async with tcp_printer() as printer, passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
            pid = bench.pid()
        await bench.register.write(b"one\n")
        await bench.printer.until(lambda: bench.printer.printed == b"one\n")
        new = bench.changed(passthrough=f"tcp://127.0.0.1:{printer.port}")
        async with supervised(bench.device(new), bench.emit):
            sent: list[bytes] = []
            while printer.connection is None:  # it prints on, and another agent starts relays where it finds none
                sent.append(b"%d\n" % len(sent))
                await bench.register.write(sent[-1])
                bench.start()
                await asyncio.sleep(0.05)
            await bench.register.write(b"the last\n")
            await bench.emit.until(lambda: "the last" in bench.emit.codes)
            assert bench.emit.codes == ["one", *(line.decode().strip() for line in sent), "the last"]
            await printer.until(lambda: printer.printed.endswith(b"the last\n"))
            assert bench.printer.printed + printer.printed == b"".join((b"one\n", *sent, b"the last\n"))
            assert bench.pid() == pid


async def test_a_relay_whose_folder_is_removed_is_found_again_with_what_it_held(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        bench.start()
        pid = await bench.serving()
        await bench.register.write(b"one\n")
        await bench.printer.until(lambda: bench.printer.printed == b"one\n")
        shutil.rmtree(bench.relays.folder)
        assert await bench.serving() == pid
        async with supervised(bench.device(), bench.emit):
            await bench.register.write(b"two\n")
            await bench.emit.until(lambda: "two" in bench.emit.codes)
        assert bench.emit.codes == ["one", "two"]
        await bench.printer.until(lambda: bench.printer.printed == b"one\ntwo\n")
        assert "copy_lost" not in bench.states.reasons


async def test_a_relay_without_its_state_directory_ends_once_its_register_has_gone(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        bench.start()
        pid = await bench.serving()
        shutil.rmtree(bench.relays.folder.parent)
        await bench.register.write(b"one\n")
        await bench.printer.until(lambda: bench.printer.printed == b"one\n")
        assert relay_processes(bench.relays.folder) == [pid]
        bench.register.unplug()
        while relay_processes(bench.relays.folder):
            await asyncio.sleep(0.05)


async def test_a_change_of_anything_else_leaves_the_relay_alone(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        async with supervised(bench.device(), bench.emit):
            await bench.states.until_last("up")
        log = bench.relays.folder / "till-1.log"
        before = log.read_bytes()
        settings = bench.settings.model_copy(update={"name": "another name"})
        async with supervised(bench.device(settings), bench.emit):
            await bench.register.write(b"one\n")
            await bench.emit.until(lambda: bench.emit.codes == ["one"])
        assert log.read_bytes() == before


async def test_the_relay_of_a_device_that_is_gone_ends(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        bench.start()
        await bench.serving()
        await bench.relays.end_others({"till-1"})
        assert bench.pid() is not None
        await bench.relays.end_others(set())
        assert bench.pid() is None


async def test_the_states_of_both_ends_are_told(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench, supervised(bench.device(), bench.emit):
        await bench.states.until_last("up")
        bench.printer.unplug()
        await bench.states.until_last("printer_unreachable")
        await bench.register.write(b"one\n")
        await bench.emit.until(lambda: bench.emit.codes == ["one"])  # read, though not printed
        bench.printer.plug()
        await bench.states.until_last("up")
        await bench.printer.until(lambda: bench.printer.printed == b"one\n")
        bench.register.unplug()
        await bench.states.until_last("missing")
        bench.register.plug()
        await bench.states.until_last("up")


async def test_a_stranger_on_the_socket_is_hung_up_on_and_the_till_prints(tmp_path: Path) -> None:
    async with passing(tmp_path) as bench:
        bench.start()
        await bench.serving()
        reader, writer = await asyncio.open_unix_connection(bench.relays.folder / "till-1.sock")
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()
        await bench.register.write(b"one\n")
        await bench.printer.until(lambda: bench.printer.printed == b"one\n")


async def test_the_agent_writes_on_a_display_that_the_register_leaves_alone(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"decoder": "linedisplay", "dialect": "led8", "drive": True, "baudrate": 9600}
    async with passing(tmp_path, **asked) as bench:
        device = bench.device()
        async with supervised(device, bench.emit):
            await bench.states.until_last("up")
            device.show(["88.80"], 0.3)
            await bench.printer.until(lambda: b"88.80" in bench.printer.printed)  # nobody wrote for three seconds
            shown = len(bench.printer.printed)
            total = b"\x1bs2\x1bQA12.50\r"
            await bench.register.write(total)
            await bench.printer.until(lambda: bench.printer.printed.endswith(total))
            device.show(["99.90"], 5.0)
            await bench.register.write(total)
            await bench.printer.until(lambda: bench.printer.printed.count(total) == 2)
            assert b"99.90" not in bench.printer.printed[shown:]
