"""Opening a state directory: what is refused, with what words, and that nothing is touched then."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.errors import StorageError
from tests.support.storage import held, of, order, running


async def refused(state_dir: Path) -> str:
    with pytest.raises(StorageError) as caught:
        async with running(state_dir):
            pass
    return str(caught.value)


async def test_a_second_daemon_is_told_who_is_there(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        message = await refused(tmp_path)
        assert f"process {os.getpid()}" in message
        await storage.commit(of(order(1)))
    async with running(tmp_path) as storage:
        assert len(await held(storage, Stream.ORDERS)) == 1


async def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom edge_agent.storage.opening import locked\n"
        f"with locked(Path({str(tmp_path)!r})):\n    print('locked', flush=True)\n    time.sleep(60)\n"
    )
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert other.stdout is not None
    await other.stdout.readline()
    message = await refused(tmp_path)
    other.kill()
    await other.wait()
    assert f"process {other.pid}" in message
    async with running(tmp_path):
        pass


async def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("hello")
    assert "make it a directory" in await refused(path)
    assert path.read_text() == "hello"
    assert "make it a directory" in await refused(path / "below")


async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
    with sqlite3.connect(tmp_path / "edge.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = {path.name: path.read_bytes() for path in tmp_path.glob("edge.db*")}
    message = await refused(tmp_path)
    assert "newer edge-agent" in message
    assert "99" in message
    assert {path.name: path.read_bytes() for path in tmp_path.glob("edge.db*")} == before
    assert not (tmp_path / "quarantine").exists()


async def test_a_foreign_program_in_the_database(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
    connection = sqlite3.connect(tmp_path / "edge.db")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        assert "another program" in await refused(tmp_path)
    finally:
        connection.close()


async def test_a_database_that_died_while_it_was_made(tmp_path: Path) -> None:
    """The schema is there, the identity is not: nothing was ever recorded, so this is no damage."""
    from edge_agent.storage.connection import connect

    tmp_path.chmod(0o700)
    connect(tmp_path / "edge.db", 64).close()
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
    assert not (tmp_path / "quarantine").exists()
