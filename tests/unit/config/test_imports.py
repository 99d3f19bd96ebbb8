"""What a configuration does not use is not imported: an idle box has 60 MB for everything."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.unit.config.conftest import STORE, Files

REPORT = "import json, sys; json.dump(sorted(sys.modules), sys.stdout)"


def modules(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}"], cwd=Path(__file__).parents[3], capture_output=True, check=True
    )
    return set(json.loads(run.stdout))


def test_the_package_alone_imports_no_decoder_and_no_driver() -> None:
    loaded = modules("import edge_agent.config")

    assert not {name for name in loaded if re.match(r"edge_agent\.decoders\.[^_]", name)}
    assert not loaded & {"serial", "aiohttp", "paho", "aiosqlite", "asyncio", "jsonschema"}


def test_loading_imports_the_decoders_that_are_named(files: Files) -> None:
    files.write(store=STORE.replace('"escpos"', '"lines"'))

    loaded = modules(
        f"from pathlib import Path; import edge_agent.config as c; c.load(Path({str(files.agent_file)!r}))"
    )

    assert "edge_agent.decoders.lines" in loaded
    assert "edge_agent.decoders.escpos" not in loaded


def test_a_shop_of_tills_alone_loads_no_driver_and_no_cipher() -> None:
    loaded = modules("import edge_agent.app")

    assert not loaded & {"nfc", "ndef", "bleak", "dbus_fast", "smartcard", "cryptography", "serial"}


def test_the_daemon_loads_nothing_that_only_a_terminal_needs() -> None:
    loaded = modules(
        "from contextlib import suppress\n"
        "from edge_agent.__main__ import cli\n"
        "from edge_agent.errors import AgentError\n"
        "with suppress(AgentError): cli(['run', '--config', '/nowhere/agent.toml'])"
    )

    assert "edge_agent.app" in loaded
    assert not {name for name in loaded if re.match(r"(rich|pygments)\b", name)}
