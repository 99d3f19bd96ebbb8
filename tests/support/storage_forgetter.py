"""A process that forgets a person and says how far it is: python -m … DIRECTORY NAME. Meant to be killed.

A byte on stdout for every 100 events it has looked at, and one at the end.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from edge_agent import log
from tests.support.storage import running


async def main(state_dir: Path, person: bytes) -> None:
    asked = itertools.count(1)

    def concerns(body: bytes) -> bool:
        if next(asked) % 100 == 0:
            os.write(1, b".")
        return person in body

    async with running(state_dir) as storage:
        await storage.forget(concerns)
        os.write(1, b".")


if __name__ == "__main__":
    log.set_up()
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2].encode()))
