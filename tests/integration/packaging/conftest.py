import subprocess
from pathlib import Path

import pytest

from tests.support.package import built, once


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all workers of this test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def deb(session: Path) -> Path:
    """The package of this tree, as version 9.9.9."""
    return built(session, "9.9.9")


@pytest.fixture(scope="session")
def unpacked(session: Path, deb: Path) -> Path:
    """What dpkg would lay down."""
    return once(session, "unpacked", lambda to: subprocess.run(["dpkg-deb", "--extract", deb, to], check=True))
