"""Thousands of stores at one broker, as its retained messages tell of them."""

import gc
import io
import json
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from edge_agent.fleet import agents, tables
from edge_agent.fleet.broker import connected
from edge_agent.fleet.rows import rows
from edge_agent.fleet.settings import FleetSettings
from edge_agent.simulator import broker as simulator
from tests.support.broker import authority
from tests.support.fleet import run_here

STORES = 2_000
FEW = ("--stores", "sh-0000,sh-0001,sh-0007,sh-0009")
STATE = {"state": "online", "boot_id": "b", "epoch": "e", "version": "1.2.0", "since": "2026-11-22T10:00:00+08:00"}
HEALTH = {
    "level": "ok",
    "headline": "一切正常",
    "words": {"en": {"headline": "All good", "steps": []}, "zh": {"headline": "一切正常", "steps": []}},
    "devices": [{"id": f"till-{number}-printer", "state": "up", "name": "收银小票"} for number in range(6)],
    "sync": {"connected": True, "waiting": 0},
    "padding": "x" * 1_500,  # as large as a real one
}
CONFIG = {"version": 3, "sha256": "a" * 64}
REPORTED = {"running": CONFIG, "last_known_good": CONFIG, "desired": {"version": 3}, "phase": "committed"}
DOWN = {
    **HEALTH,
    "level": "action",
    "words": {"en": {"headline": "The printer of till 1 is gone.", "steps": ["Plug it in.", "Call us."]}},
    "devices": [{"id": "till-1-printer", "state": "down", "detail": "missing"}, {"id": "door", "state": "up"}],
    "sync": {"connected": True, "waiting": 137, "oldest_waiting_seconds": 4_000, "waiting_by_stream": {"orders": 137}},
    "today": {"day_proof": {"business_day": "2026-11-22", "state": "differs", "differing": ["17"]}},
}


def root(number: int) -> str:
    return f"o2o/1/demo/sh-{number:04}/pc-1"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with simulator.Broker(tmp_path_factory.mktemp("broker")) as running, connected(settings(running.port)) as broker:
        broker.publish_all(messages(), retain=True)
        yield running.port


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def settings(port: int) -> FleetSettings:
    return FleetSettings(url=f"mqtt://127.0.0.1:{port}", tenant="demo")


def messages() -> Iterator[tuple[str, bytes]]:
    health, state, reported = (json.dumps(one).encode() for one in (HEALTH, STATE, REPORTED))
    for number in range(STORES):
        yield f"{root(number)}/state", state
        yield f"{root(number)}/health", health
        yield f"{root(number)}/config/reported", reported
    # What stands out, and what makes no sense; it hides nobody.
    yield f"{root(7)}/health", json.dumps(DOWN).encode()
    yield f"{root(9)}/state", json.dumps({**STATE, "state": "lost"}).encode()
    yield f"{root(11)}/health", b"\xff\xfe{"
    yield f"{root(12)}/state", b'{"state": 5}'
    yield f"{root(13)}/health", b"[" * 100_000
    yield f"{root(14)}/health", json.dumps({**HEALTH, "level": "attention\x1b[2J\n", "devices": []}).encode()
    yield "o2o/1/demo/sh-0001/down/dataset/products", b"not an agent"
    yield "o2o/1/other/sh-0001/pc-1/state", json.dumps(STATE).encode()


def fleet(port: int, *arguments: str) -> tuple[int, str, str]:
    result = run_here("--url", f"mqtt://127.0.0.1:{port}", "--tenant", "demo", *arguments)
    return result.code, result.out, result.err


def test_all_of_thousands_are_seen_though_the_broker_drops_some(port: int) -> None:
    with connected(settings(port)) as broker:
        found = agents.gather(broker)
        assert len(found) == STORES
        missing = [one.name for one in found if not (one.health or "health" in one.unreadable) or not one.reported]
        assert missing == []
        assert [one.name for one in agents.gather(broker, ["sh-0003"])] == ["sh-0003/pc-1"]
        assert agents.gather(broker, ["sh-9999"]) == []


def test_the_worst_come_first(port: int) -> None:
    code, out, _ = fleet(port, "status", "--json")
    found = json.loads(out)
    assert (code, len(found)) == (1, STORES)
    worst = ["sh-0009", "sh-0007", "sh-0011", "sh-0012", "sh-0013"]
    assert [one["store"] for one in found[:5]] == worst
    assert [one["store"] for one in found[5:]] == sorted(one["store"] for one in found[5:])
    assert found[1]["devices_down"] == ["till-1-printer"]
    assert (found[1]["waiting"], found[1]["day_proof"]) == (137, "differs")
    assert [one["unreadable"] for one in found[2:5]] == [["health"], ["state"], ["health"]]


def test_the_table_is_good_on_80_columns(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = fleet(port, "status", "--stores", "sh-000*,sh-0014")
    lines = out.splitlines()
    assert code == 1
    assert all(len(line) <= 80 for line in lines), lines
    assert lines[0].split() == ["STORE", "STATE", "LEVEL", "VERSION", "CONFIG", "WAITING", "DAY"]
    assert lines[1].split()[:5] == ["sh-0009", "lost", "ok", "1.2.0", "3"]
    assert lines[2].startswith("sh-0007  online  action")
    assert "137 1 h" in lines[2]
    assert "till-1" in lines[2]
    assert "\x1b" not in out  # what a store says never steers the terminal
    assert lines[-1].startswith("11 stores, 10 online, 1 lost, 1 action")


@pytest.mark.parametrize(
    ("arguments", "code", "stores"),
    [
        (["--level", "ok", "--state", "online", "--version", "1.2.0"], 0, ["sh-0000", "sh-0001"]),
        (["--level", "action"], 1, ["sh-0007"]),
        (["--state", "lost"], 1, ["sh-0009"]),
        (["--version", "9.9"], 0, []),
    ],
)
def test_rows_are_chosen(port: int, arguments: list[str], code: int, stores: list[str]) -> None:
    ended, out, _ = fleet(port, "status", "--json", *arguments, *FEW)
    assert (ended, [one["store"] for one in json.loads(out)]) == (code, stores)


def test_names_that_nobody_knows_are_an_error(port: int, tmp_path: Path) -> None:
    listed = tmp_path / "stores.txt"
    listed.write_text("sh-0001  # the first\n\nnowhere-1\nnowhere-2\n")
    code, out, err = fleet(port, "status", "--stores", f"@{listed}")
    assert (code, out) == (2, "")
    assert "nobody has heard of nowhere-1, nowhere-2" in err


def test_a_store_is_shown_in_its_own_words(port: int) -> None:
    code, out, _ = fleet(port, "show", "sh-0007")
    assert code == 1
    words = (
        "action: The printer of till 1 is gone.",
        "1. Plug it in.",
        "running version 3",
        "137 events waiting",
        "2026-11-22: head office has other orders: 17",
        "down     till-1-printer",
        "never heard: missing",
    )
    assert [text for text in words if text not in out] == []
    assert fleet(port, "show", "sh-0001")[0] == 0
    assert "unreadable: what lies on o2o/1/demo/sh-0011/pc-1/health" in fleet(port, "show", "sh-0011")[1]


def test_a_row_of_thousands_costs_as_much_as_one_of_a_few(capsys: pytest.CaptureFixture[str]) -> None:
    found = [one for one in agents.known(messages()) if one.topics.tenant == "demo"]

    def cost(count: int) -> float:
        began = time.process_time()
        tables.show(rows(found[:count], "en"))
        return time.process_time() - began

    gc.disable()  # what else lies in this process would be counted, too
    try:
        few, many = (min(cost(count) for _ in range(3)) for count in (STORES // 20, STORES))
    finally:
        gc.enable()
    assert many < 3 * 20 * few
    assert len(capsys.readouterr().out.splitlines()) > STORES


def test_what_goes_wrong_is_said_in_words(port: int, tmp_path: Path) -> None:
    free = simulator.free_port()
    for url, words in (
        (f"mqtt://127.0.0.1:{free}", "nobody listens there"),
        (f"mqtts://127.0.0.1:{port}", "mqtt:// or mqtts://"),
        ("mqtt://no-such-host.invalid", "plain text to another machine"),
    ):
        result = run_here("--url", url, "--tenant", "demo", "status")
        assert (result.code, result.out) == (2, "")
        assert words in result.err


def test_a_refused_publish_says_why(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\n")
    options = simulator.BrokerOptions(acl_file=acl, max_packet_size=2_000)
    with simulator.Broker(tmp_path / "broker", options) as running, connected(settings(running.port)) as broker:
        with pytest.raises(Exception, match="a/b: the broker account lacks the right"):
            broker.publish("a/b", b"x")
        with pytest.raises(Exception, match="the broker takes at most 2000"):
            broker.publish("a/b", b"x" * 3_000)


def test_a_wrong_password_says_so(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    options = simulator.BrokerOptions(password_file=tmp_path / "passwords")
    with simulator.Broker(tmp_path / "broker", options) as running:
        result = run_here("--url", f"mqtt://127.0.0.1:{running.port}", "--tenant", "demo", "status")
    assert result.code == 2
    assert "password is wrong" in result.err


def test_tls_and_whom_it_trusts(tmp_path: Path) -> None:
    ours, others = authority(tmp_path / "ours"), authority(tmp_path / "others")
    certificate, key = ours.issue("broker", host="localhost")
    ops, ops_key = ours.issue("ops")
    tls = simulator.Certificates(ours.ca, certificate, key, require_client=True)
    with simulator.Broker(tmp_path / "broker", simulator.BrokerOptions(tls=tls)) as running:
        where = ("--url", f"mqtts://localhost:{running.port}", "--tenant", "demo")
        known = ("--client-certificate", str(ops), "--client-key", str(ops_key))
        good = run_here(*where, "--ca-file", ours.ca, *known, "status")
        assert (good.code, "no store has ever been heard of" in good.err) == (0, True), good
        untrusted = run_here(*where, "--ca-file", others.ca, *known, "status")
        assert (untrusted.code, "certificate is not trusted" in untrusted.err) == (2, True), untrusted
        stranger = run_here(*where, "--ca-file", ours.ca, "status")
        assert (stranger.code, stranger.err.startswith(where[1])) == (2, True), stranger
        assert len(stranger.err.splitlines()) == 1


def test_a_lost_connection_comes_back_and_loses_nothing(tmp_path: Path) -> None:
    said = io.StringIO()
    with (
        simulator.Broker(tmp_path / "broker") as running,
        redirect_stderr(said),
        connected(settings(running.port)) as broker,
        broker.listen(["a/#"]) as listening,
    ):
        broker.publish("a/b", b"before")
        running.restart(keep_memory=True)
        broker.publish("a/b", b"after")
        arrived = [listening.get(20), listening.get(20)]
        assert [message.payload for message in arrived if message] == [b"before", b"after"]
    assert "comes back by itself" in said.getvalue()
