"""An NFC reader without hardware: the simulated PN532, a process of its own, told what to do over its stdin."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

# Starting Python with msgspec and cryptography takes 0.3 s; the rest is a busy machine.
ANSWER_S = 30.0
FIRST = -15  # nice value: before everything else on the machine


class SimulatedReader:
    """``path``: the port, a name that stays; ``told``: the lines it printed of its own accord, oldest first."""

    def __init__(self, path: Path, process: Process) -> None:
        self.path = path
        self.process = process
        self.told: list[dict[str, Any]] = []

    async def do(self, do: str, **parameters: object) -> None:
        """Give one order and wait until it is done. Raises ValueError if it was refused."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **parameters}).encode() + b"\n")
        answer = await self._until("did")
        if "error" in answer:
            raise ValueError(answer["error"])

    async def put(self, kind: str, *, leave_after: int | None = None, **tag: object) -> None:
        """Lay a tag on the reader."""
        await self.do("put", tag={"kind": kind, **tag}, leave_after=leave_after)

    async def wait_for(self, key: str) -> Any:
        """Return what the next line with ``key`` says, of those not yet waited for."""
        for at, line in enumerate(self.told):
            if key in line:
                return self.told.pop(at)[key]
        return (await self._until(key))[key]

    async def kill(self) -> None:
        """End the process at once: its port vanishes, its link stays."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def _until(self, key: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            async for text in self.process.stdout:
                line: dict[str, Any] = json.loads(text)
                if key in line:
                    return line
                self.told.append(line)
        raise RuntimeError(f"the reader ended with status {await self.process.wait()}")


@asynccontextmanager
async def reader(folder: Path, *options: str, name: str = "nfc-counter") -> AsyncIterator[SimulatedReader]:
    """Run a reader on the port ``folder/name``; it is ready when the block begins, gone when it ends."""
    path = folder / name
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "edge_agent.simulator.pn532", f"--link={path}", *options),
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    # A chip shares no processor with the box. nfcpy waits 0.1 s for its acknowledgement, which a busy machine can take.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, process.pid, FIRST)
    running = SimulatedReader(path, process)
    try:
        await running._until("ready")
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
