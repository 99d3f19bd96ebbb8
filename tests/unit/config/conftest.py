from pathlib import Path

import pytest

from edge_agent.config import Config, InvalidConfigError, load

AGENT = """\
[agent]
tenant = "acme"
store = "sh-0001"
id = "pc-1"
state_dir = "state"

[mqtt]
url = "mqtt://127.0.0.1:1883"
"""

STORE = """\
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"

[[zone]]
id = "checkout"

[[touchpoint]]
id = "till-1"
zone = "checkout"

[[device]]
id = "till-1-printer"
kind = "serial"
touchpoint = "till-1"
port = "/dev/ttyUSB0"
decoder = "escpos"
"""


class Files:
    """A folder with an agent.toml and a store.toml that can be loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.agent_file = folder / "agent.toml"
        self.write()

    def write(self, agent: str | bytes = AGENT, store: str | bytes = STORE) -> None:
        for name, content in (("agent.toml", agent), ("store.toml", store)):
            data = content.encode() if isinstance(content, str) else content
            (self.folder / name).write_bytes(data)

    def load(self) -> Config:
        return load(self.agent_file)

    def problems(self) -> list[str]:
        """Return what is wrong, each without its folder: ``store.toml:3: store.timezone: …``."""
        with pytest.raises(InvalidConfigError) as caught:
            load(self.agent_file)
        assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
        return [str(problem).removeprefix(f"{self.folder}/") for problem in caught.value.problems]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return Files(tmp_path)
