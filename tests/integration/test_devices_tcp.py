"""The network devices against real sockets."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Self, cast

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import LineSettings, TcpListenSettings, TcpSettings
from edge_agent.devices import CONNECTIONS, Device, Holding, create
from edge_agent.devices.handover import Handover, key_of
from edge_agent.devices.line import ROOM, Journal, Start
from edge_agent.devices.tcp_listen import TcpListenDevice
from edge_agent.errors import DeviceError, StorageError
from tests.support.broker import until
from tests.support.devices import LineDecoder, MemoryJournal, Recorder, States, supervised

TCP_REPAIR = 19  # linux/tcp.h: a socket closed in this state says nothing to its peer
COMMON = {"id": "till-1", "touchpoint": "till-1", "decoder": "lines"}


class Bench:
    """A device and everything around it."""

    def __init__(
        self,
        settings: LineSettings,
        journals: dict[str, MemoryJournal] | None = None,
        handover: Handover | None = None,
    ) -> None:
        self.emit = Recorder()
        self.states = States()
        self.journals: dict[str, MemoryJournal] = defaultdict(MemoryJournal) if journals is None else journals
        self.journal = self.journals[settings.id]
        self.key = key_of(settings)
        self.device: Device = create(
            settings,
            lambda _: LineDecoder(),
            clock=Clock(),
            report=self.states,
            keep=self._keep,
            handover=handover,
        )

    def _keep(self, line: str) -> tuple[Journal, Start]:
        journal = self.journals[line]
        return journal, Start(journal.begin, replay=journal.kept)

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self.device, self.emit)


class Server:
    """A serial device server: says what it is told to whoever is connected."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.said = b""
        self.writers: list[asyncio.StreamWriter] = []
        self._connected = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self._connected.set()

    async def say(self, data: bytes) -> None:
        await self._connected.wait()
        self.writers[-1].write(data)
        await self.writers[-1].drain()


def client(port: int, host: str = "127.0.0.1") -> Bench:
    return Bench(TcpSettings.model_validate(COMMON | {"kind": "tcp", "host": host, "port": port}))


def listener(
    listen: str = "127.0.0.1:0",
    journals: dict[str, MemoryJournal] | None = None,
    handover: Handover | None = None,
    **more: object,
) -> Bench:
    settings = TcpListenSettings.model_validate(COMMON | {"kind": "tcp-listen", "listen": listen} | more)
    return Bench(settings, journals, handover)


def unrecorded(bench: Bench) -> list[bytes]:
    return sorted(journal.kept for journal in bench.journals.values() if journal.kept)


@asynccontextmanager
async def register(port: int) -> AsyncIterator[asyncio.StreamWriter]:
    """Connect as a register does; the connection is closed, at the latest, at the end."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def port_of(bench: Bench) -> int:
    await bench.states.until_last("up")
    address = cast("TcpListenDevice", bench.device).address
    assert address is not None
    return address[1]


async def test_a_server_that_restarts_is_read_on() -> None:
    async with Server() as first:
        bench = client(first.port)
        async with bench.supervised():
            await first.say(b"one\ntw")
            await bench.emit.until(lambda: bench.emit.codes == ["one"])
            await bench.journal.until(lambda: bench.journal.kept == b"tw")
            await first.__aexit__()
            await bench.states.until_last("refused")
            async with Server(first.port) as second:
                await second.say(b"o\nthree\n")
                await bench.emit.until(lambda: len(bench.emit.codes) == 3)
    assert bench.emit.codes == ["one", "two", "three"]
    assert bench.states.reasons == ["up", "disconnected", "refused", "up"]


async def test_a_server_that_comes_late_is_found() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    bench = client(port)
    async with bench.supervised():
        await bench.states.until_last("refused")
        async with Server(port) as server:
            await server.say(b"hello\n")
            await bench.emit.until(lambda: bench.emit.codes == ["hello"])


async def test_a_host_nobody_knows_is_named() -> None:
    with pytest.raises(DeviceError) as raised:
        await client(4001, "no-such-host.invalid").device.run(Recorder())
    assert raised.value.reason == "unknown_host"


async def test_a_server_that_does_not_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.devices.tcp.CONNECT_S", 0.05)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # fill the backlog: further SYNs are dropped
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(deaf.getsockname())
            with pytest.raises(DeviceError) as raised:
                await client(deaf.getsockname()[1]).device.run(Recorder())
        finally:
            for each in waiting:
                each.close()
    assert raised.value.reason == "timeout"


async def test_a_server_that_dies_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    soon = ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1))
    monkeypatch.setattr("edge_agent.devices.tcp.KEEPALIVE", soon)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        bench = client(server.getsockname()[1])
        async with bench.supervised():
            accepted, _ = await asyncio.get_running_loop().sock_accept(server)
            await bench.states.until_last("up")
            try:
                accepted.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                pytest.skip("only root can make a connection vanish without a FIN")
            finally:
                accepted.close()
            await bench.states.until(lambda: "disconnected" in bench.states.reasons)


async def test_a_slow_commit_holds_the_sender_and_loses_nothing() -> None:
    sent = [f"{number:06} " + "x" * 990 for number in range(20_000)]  # 20 MB: more than all socket buffers
    async with Server() as server:
        bench = client(server.port)
        bench.emit.gate.clear()
        async with bench.supervised(), asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(server.say("".join(code + "\n" for code in sent).encode()))
            await bench.journal.until(lambda: len(bench.journal.kept) >= ROOM)
            held = len(bench.journal.kept)
            await asyncio.sleep(0.05)
            assert len(bench.journal.kept) == held
            assert not saying.done()
            bench.emit.gate.set()
            await bench.emit.until(lambda: len(bench.emit.codes) == len(sent))
    assert bench.emit.codes == sent


async def test_registers_that_print_at_once_are_kept_apart() -> None:
    bench = listener()
    async with bench.supervised(), AsyncExitStack() as connections:
        port = await port_of(bench)
        tills = [await connections.enter_async_context(register(port)) for _ in range(5)]
        for piece in range(20):
            for number, till in enumerate(tills):
                till.write(f"till {number} pie".encode())
                await till.drain()
            for till in tills:
                till.write(f"ce {piece}\n".encode())
        await bench.emit.until(lambda: len(bench.emit.codes) == 100)
    for number in range(5):
        mine = [code for code in bench.emit.codes if code.startswith(f"till {number} ")]
        assert mine == [f"till {number} piece {piece}" for piece in range(20)]


async def test_a_connection_that_ends_completes_what_it_left() -> None:
    bench = listener()
    async with bench.supervised(), register(await port_of(bench)) as till:
        till.write(b"one\nno cut")
        till.close()
        await bench.emit.until(lambda: bench.emit.codes == ["one", "no cut"])
    assert all(journal.kept == b"" for journal in bench.journals.values())


async def test_what_a_killed_agent_had_read_of_its_connections_is_recorded_by_the_next() -> None:
    bench = listener()
    async with bench.supervised(), AsyncExitStack() as connections:
        port = await port_of(bench)
        for number in range(3):
            till = await connections.enter_async_context(register(port))
            till.write(f"order {number}\nhalf {number}".encode())
        await until(lambda: unrecorded(bench) == [b"half 0", b"half 1", b"half 2"])
        left = {name: MemoryJournal() for name in bench.journals}
        for name, journal in bench.journals.items():  # a kill: nothing of what the old life would still do happens
            left[name].begin, left[name].kept = journal.begin, journal.kept
    again = listener(journals=left)
    async with again.supervised():
        await again.emit.until(lambda: sorted(again.emit.codes) == ["half 0", "half 1", "half 2"])


async def test_a_register_that_is_reset_in_the_middle_of_a_receipt_harms_nobody() -> None:
    bench = listener()
    async with bench.supervised():
        port = await port_of(bench)
        async with register(port) as dying, register(port) as living:
            dying.write(b"order 1\nhalf a rec")
            living.write(b"order 2\nfirst half, ")
            await bench.emit.until(lambda: len(bench.emit.codes) == 2)
            dying.transport.abort()
            await bench.emit.until(lambda: len(bench.emit.codes) == 3)
            living.write(b"second half\n")
            await bench.emit.until(lambda: len(bench.emit.codes) == 4)
    assert sorted(bench.emit.codes[:2]) == ["order 1", "order 2"]
    assert bench.emit.codes[2:] == ["half a rec", "first half, second half"]
    assert bench.states.reasons == ["up"]


async def test_connections_beyond_the_limit_are_closed() -> None:
    bench = listener()
    async with bench.supervised(), AsyncExitStack() as connections:
        port = await port_of(bench)
        tills = [await connections.enter_async_context(register(port)) for _ in range(CONNECTIONS)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionResetError):
            assert await reader.read(1) == b""
        writer.close()
        tills[1].write(b"still served\n")
        await bench.emit.until(lambda: bench.emit.codes == ["still served"])
        tills[0].write(b"good bye")
        tills[0].close()
        await bench.emit.until(lambda: bench.emit.codes[-1] == "good bye")
        async with register(port) as next_one:
            next_one.write(b"room again\n")
            await bench.emit.until(lambda: bench.emit.codes[-1] == "room again")


async def test_what_could_not_be_recorded_is_handed_over_after_the_connection_has_gone() -> None:
    bench = listener()
    async with bench.supervised(), register(await port_of(bench)) as till:
        bench.emit.fail = StorageError("no room")
        till.write(b"one\ntwo")
        till.close()
        await bench.states.until(lambda: "down" in [state.state for state in bench.states.all])
        bench.emit.fail = None
        await bench.emit.until(lambda: bench.emit.codes == ["one", "two"])
        await bench.states.until_last("up")


async def test_a_port_another_program_listens_on_is_busy_until_it_is_free() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        bench = listener(f"127.0.0.1:{holder.getsockname()[1]}")
        async with bench.supervised():
            await bench.states.until_last("busy")
            holder.close()
            await bench.states.until_last("up")


async def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(DeviceError) as raised:
        await listener("192.0.2.1:9100").device.run(Recorder())
    assert raised.value.reason == "refused"


async def test_connections_are_left_again_by_a_device_that_ends_before_it_serves_them() -> None:
    handover = Handover()
    first = listener(handover=handover)
    async with first.supervised():
        port = await port_of(first)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one\ntw")
        await until(lambda: unrecorded(first) == [b"tw"])
        handover.begin({first.key})
    first.journals["till-1.7"].kept = b"old\n"
    second = listener(journals=first.journals, handover=handover)
    second.emit.gate.clear()
    async with second.supervised():
        writer.write(b"o\n")
        await asyncio.sleep(0.05)  # it waits for the gate
    third = listener(journals=first.journals, handover=handover)
    async with third.supervised():
        writer.write(b"three\n")
        await third.emit.until(lambda: len(third.emit.codes) == 3)
        async with register(port) as other:
            other.write(b"four\n")
            await third.emit.until(lambda: len(third.emit.codes) == 4)
        handover.begin(())
    assert (first.emit.codes, second.emit.codes) == (["one"], [])
    assert third.emit.codes == ["old", "two", "three", "four"]
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize("turns", range(6))
async def test_a_register_that_connects_as_a_device_ends_is_served_by_the_next(turns: int) -> None:
    """``turns``: of the event loop, from the kernel's hand-shake to the end."""
    handover = Handover()
    first = listener(handover=handover)
    with socket.socket() as till:
        async with first.supervised():
            handover.begin({first.key})
            till.connect(("127.0.0.1", await port_of(first)))
            till.send(b"one\n")
            for _ in range(turns):
                await asyncio.sleep(0)
        second = listener(journals=first.journals, handover=handover)
        async with second.supervised():
            await second.emit.until(lambda: first.emit.codes + second.emit.codes == ["one"])
            till.send(b"two\n")
            await second.emit.until(lambda: first.emit.codes + second.emit.codes == ["one", "two"])
            handover.begin(())


async def test_each_connection_is_held_between_its_own_receipts() -> None:
    bench = listener()
    async with bench.supervised(), register(port := await port_of(bench)) as one, register(port) as two:
        assert isinstance(bench.device, Holding)
        one.write(b"half")
        two.write(b"whole\n")
        await bench.emit.until(lambda: bench.emit.codes == ["whole"])
        await until(lambda: unrecorded(bench) == [b"half"])
        assert not bench.device.hold()
        two.write(b"next\n")
        one.write(b" a line\n")
        await bench.emit.until(lambda: bench.emit.codes == ["whole", "half a line"])
        assert bench.device.hold()
        await asyncio.sleep(0.05)  # it waits in the kernel
        assert unrecorded(bench) == []


@pytest.mark.parametrize("is_server", [True, False])
async def test_a_connection_that_is_closed_is_read_empty(*, is_server: bool) -> None:
    """Held for a turn, it is then not wanted after all."""
    async with AsyncExitStack() as stack:
        if is_server:
            bench = listener()
            await stack.enter_async_context(bench.supervised())
            far = await stack.enter_async_context(register(await port_of(bench)))
            far.write(b"one\n")
        else:
            server = await stack.enter_async_context(Server())
            bench = client(server.port)
            await stack.enter_async_context(bench.supervised())
            await server.say(b"one\n")
            (far,) = server.writers
        await bench.emit.until(lambda: bench.emit.codes == ["one"])
        assert isinstance(bench.device, Holding)
        assert bench.device.hold()
        far.write(b"two\n")
        await asyncio.sleep(0.05)  # it waits in the kernel
        assert unrecorded(bench) == []
    assert unrecorded(bench) == [b"two\n"]
