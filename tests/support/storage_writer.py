"""A process that records as fast as it can and says what was acknowledged to it: python -m … DIRECTORY FIRST.

Each line on stdout is the number of an event whose ``commit`` has returned. Meant to be killed.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from edge_agent import log
from edge_agent.shop.outcome import Capture, StateChange
from tests.support.storage import of, order, running


async def main(state_dir: Path, first: int) -> None:
    numbers = itertools.count(first)
    async with running(state_dir) as storage, asyncio.TaskGroup() as producers:

        async def produce(name: str) -> None:
            for number in numbers:
                line = b"%d" % number
                await storage.commit(
                    of(order(number), state=[StateChange("line", name, line)], captures=[Capture("0" * 64, line)])
                )
                os.write(1, b"%d %s\n" % (number, name.encode()))

        for name in ("a", "b", "c"):
            producers.create_task(produce(name))


if __name__ == "__main__":
    log.set_up()  # to stderr: stdout carries the numbers alone
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
