"""`edge-agent teach` as a person uses it: the worked example of its page, and captures of a real state directory."""

import json
import re
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from edge_agent.shop.outcome import Capture
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from edge_agent.storage.captures import Captures
from edge_agent.storage.settings import StorageSettings
from tests.support import taught
from tests.support.command import edge_agent
from tests.support.taught import SALES, UNSEEN

PAGE = Path(__file__).parents[2] / "docs" / "teach.md"


def printed(rows: tuple[str, ...]) -> bytes:
    return b"\x1b@" + "\n".join(rows).encode("gb18030") + b"\n\x1dV\x42\x00"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "store.toml").write_text(STORE_TOML, "utf-8")
    file = tmp_path / "agent.toml"
    file.write_text(AGENT_TOML.format(port=9), "utf-8")
    return file


def kept(folder: Path) -> list[Path]:
    """Put slips where the agent keeps them; their telephone numbers are not redacted yet."""
    captures = Captures(folder, StorageSettings(), 1 << 30)
    bodies = [printed(taught.columns(sale)) for sale in SALES]
    captures.write(Capture(sha256(body).hexdigest(), body) for body in bodies)
    return sorted(folder.glob("*.zst"))


def test_the_worked_example_of_the_page_is_what_happens(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    slips = dict(re.findall(r"`(\w+\.txt)`\n\n```text\n(.*?)```", page, re.DOTALL))
    [command] = re.findall(r"```sh\nedge-agent (teach .*?)\n```", page)
    [shown] = re.findall(r"```text\n(capture .*?)\n```", page, re.DOTALL)
    [template] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    for name, text in slips.items():
        (tmp_path / name).write_text(text, "utf-8")

    done = edge_agent(*(tmp_path / word if "." in word else word for word in command.split()))

    assert (done.code, done.err) == (0, "")
    assert shown in done.out
    written = (tmp_path / "kiosk.toml").read_text("utf-8")
    assert written.split("\n[[receipt_template.samples]]")[0].rstrip() == template.rstrip()
    assert [sample["order"]["payable"] for sample in tomllib.loads(written)["receipt_template"][0]["samples"]] == [
        560,
        800,
        720,
    ]


def test_captures_become_a_template_that_reads_the_next_slip(config: Path, tmp_path: Path) -> None:
    files = kept(tmp_path / "captures")
    assert len(files) == len(SALES)
    out = tmp_path / "chenxi.toml"

    done = edge_agent("teach", *files, "--config", config, "--label", "纳来=cash", "--out", out)

    assert (done.code, done.err) == (0, "")
    taken = out.read_text("utf-8")
    assert all(sale.phone not in taken + done.out for sale in SALES)
    store = tmp_path / "store.toml"
    store.write_text(STORE_TOML + "\n" + taken, "utf-8")
    checked = edge_agent("check", "--config", config)
    assert checked.code == 0, checked.err
    (tmp_path / "next.bin").write_bytes(printed(taught.columns(UNSEEN)))
    [line] = edge_agent("decode", "escpos", tmp_path / "next.bin", "--config", config, "--orders").lines
    order = json.loads(line)
    assert order["evidence"]["template"] == "chenxi@1"
    assert (order["order_no"], order["totals"]["payable"], order["totals"]["change"]) == (
        UNSEEN.number,
        UNSEEN.payable,
        UNSEEN.handed - UNSEEN.payable,
    )
    assert [(t["type"], t["amount"]) for t in order["tenders"]] == [("cash", UNSEEN.handed)]
    assert order["checks"]["lines"] == order["checks"]["tenders"] == "pass"


def test_without_out_the_template_alone_is_on_stdout(tmp_path: Path) -> None:
    done = edge_agent("teach", *kept(tmp_path))

    assert done.code == 0
    assert tomllib.loads(done.out)["receipt_template"][0]["name"] == "taught"
    assert "capture 3" in done.err


def test_what_cannot_be_proved_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    files = []
    for index, sale in enumerate(SALES):
        rows = [row for row in taught.columns(sale) if not row.startswith(("当", "归"))]
        files.append(tmp_path / f"{index}.txt")
        files[-1].write_text("\n".join(rows), "utf-8")
    out = tmp_path / "out.toml"

    done = edge_agent("teach", *files, "--out", out)

    assert (done.code, done.out, out.exists()) == (1, "", False)
    assert "nothing is proposed" in done.err


def test_what_is_no_capture_is_told(tmp_path: Path) -> None:
    [first, *_] = kept(tmp_path)
    first.write_bytes(first.read_bytes()[:-9])
    for arguments, said in (
        ([first], "damaged"),
        ([tmp_path / "none.bin"], "No such file"),
        ([first, "--label", "x=money"], "allowed roles"),
        ([first, "--name", "No Name"], "no name for a template"),
    ):
        done = edge_agent("teach", *arguments)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
