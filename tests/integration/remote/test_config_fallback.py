"""A committed config that can no longer be used: the one before runs, and it is told until another is committed."""

from pathlib import Path

import msgspec
import pytest

from edge_agent.config import Config
from edge_agent.config.pushed import shelf_of
from edge_agent.config.shelf import Line
from edge_agent.contract.remote import ConfigId
from tests.support.configs import Desk, desk
from tests.support.generation import configure
from tests.support.pty import Cable
from tests.support.pushing import config_payload, store_config, with_device
from tests.support.storage import until


@pytest.fixture
def files(tmp_path: Path) -> Config:
    return configure(tmp_path)


def fallback(here: Desk) -> list[str]:
    reported = here.running.health.conditions()
    return [one.condition.detail for one in reported if one.condition.code == "config_fallback"]


async def test_it_is_told_until_another_one_is_committed(files: Config, tmp_path: Path) -> None:
    shelf = shelf_of(files)
    older, newer = (
        ConfigId(version, shelf.keep(config_payload(with_device(store_config(), name=f"till {version}"), version)))
        for version in (5, 6)
    )
    line = Line(version=6, sha256=newer.sha256, key_id="ops-1", phase="committed", at="2026-11-22T10:31:05+08:00")
    shelf.write(msgspec.structs.replace(line, committed=(newer, older)))
    (shelf.folder / f"{newer.sha256}.json").write_bytes(b"damaged")
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    try:
        async with desk(files) as here:
            assert here.configs.reported.running == older
            await until(lambda: fallback(here) == ["version 6: its bytes are missing or damaged"])

            here.push(store_config(), 7)
            await here.until(7, "committed")
            await until(lambda: not fallback(here))
    finally:
        cable.close()
    assert shelf.line().committed[0].version == 7
