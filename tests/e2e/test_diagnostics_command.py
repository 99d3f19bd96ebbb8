"""`edge-agent diagnostics`: what support gets, and what it never gets."""

import json
import tarfile
from pathlib import Path

from edge_agent.redact import Redactor
from tests.support.command import edge_agent
from tests.support.shop import ShopUnderTest

PHONE = "13812345678"


def unpacked(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle, "r:gz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        files = ((member.name.partition("/")[2], archive.extractfile(member)) for member in members)
        return {name: file.read() for name, file in files if file}


async def test_it_tells_all_but_the_secrets(shop: ShopUnderTest, tmp_path: Path) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(3)
    await shop.until_equal()
    store = shop.store.folder / "store.toml"
    store.write_text(f"# call 138 1234 5678, mobile {PHONE}\n" + store.read_text("utf-8"), "utf-8")
    secret = shop.store.folder / "password"
    secret.write_text("open sesame\n", "utf-8")
    relays = shop.store.folder / "state" / "relays"
    relays.mkdir(exist_ok=True)
    (relays / "till-9-printer.log").write_text(f'{{"event": "relay_started", "note": "mobile {PHONE}"}}\n', "utf-8")

    out = tmp_path / "out.tar.gz"
    done = edge_agent("diagnostics", out, "--config", shop.store.config)
    assert (done.code, done.err) == (0, "")
    assert out.stat().st_mode & 0o777 == 0o600

    files = unpacked(out)
    assert list(files) == done.lines
    status = json.loads(files["status.json"])
    assert sum(status["today"][what] for what in ("orders", "returns", "voids")) == 3
    assert b"edge_agent_" in files["metrics.txt"]
    assert b"device till-1-printer" in files["doctor.txt"]
    assert b"edge.db" in files["files.txt"]
    assert files["relays.txt"].startswith(b'till-9-printer:\n{"event": "relay_started"')
    captures = [body for name, body in files.items() if name.startswith("captures/")]
    assert len(captures) == 3
    assert all(number.encode() in b"".join(captures) for number in shop.printed)
    everything = b"".join(files.values())
    for word in (PHONE.encode(), b"138 1234 5678", b"open sesame", (shop.store.folder / "state/hash.key").read_bytes()):
        assert word not in everything
    assert PHONE not in Redactor(b"k").redact_text(f"mobile {PHONE}")  # it is something that could have been missed


async def test_without_a_running_agent_it_tells_what_there_is(shop: ShopUnderTest, tmp_path: Path) -> None:
    agent, _ = await shop.agent()
    await agent.stop()
    out = tmp_path / "out.tar.gz"
    assert edge_agent("diagnostics", out, "--config", shop.store.config).code == 0
    files = unpacked(out)
    assert json.loads(files["status.json"]) == "not running"
    assert b"not running" in files["doctor.txt"]


async def test_a_folder_that_cannot_be_written_to_is_said(shop: ShopUnderTest, tmp_path: Path) -> None:
    agent, _ = await shop.agent()
    await agent.stop()
    done = edge_agent("diagnostics", tmp_path / "nowhere" / "out.tar.gz", "--config", shop.store.config)
    assert done.code == 2
    assert "name a file in a folder that you may write to" in done.err
