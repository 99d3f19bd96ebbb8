"""Pushed configs: the checks of store.toml, on whatever JSON somebody signs; and which config is in force."""

import hashlib
import json
import os
import threading
import tomllib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config import Config, InvalidConfigError
from edge_agent.config.pushed import (
    FailedSamplesError,
    apply_push,
    check_table,
    load_as_seen,
    load_in_force,
    shelf_of,
    table_of,
)
from edge_agent.config.shelf import Line, Shelf, Trial
from edge_agent.contract.remote import ConfigId
from tests.unit.config.conftest import STORE, Files
from tests.unit.config.test_templates import TEMPLATE

PUSH = {
    "type": "config",
    "target": {"tenant": "acme", "store": "sh-0001", "agent": "pc-1"},
    "version": 7,
    "expires": "2030-01-01T00:00:00Z",
}


def payload(table: object, version: int = 7) -> bytes:
    return json.dumps(PUSH | {"version": version, "config": table}).encode()


def problems(files: Config, data: bytes) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        apply_push(files, data)
    assert all(problem.file == Path("config") and problem.line == 1 for problem in caught.value.problems)
    return [str(problem).removeprefix("config:1: ") for problem in caught.value.problems]


@pytest.fixture
def loaded(files: Files) -> Config:
    return files.load()


@pytest.fixture
def table(loaded: Config) -> dict[str, Any]:
    return deepcopy(table_of(loaded))


def test_the_store_config_pushed_back_is_the_same_one(loaded: Config, table: dict[str, Any]) -> None:
    data = payload(table)

    pushed = apply_push(loaded, data)

    assert pushed == replace(loaded, store_bytes=data, version=7)
    assert pushed.store_sha256 == hashlib.sha256(data).hexdigest()
    assert table_of(pushed) == table


def test_times_in_a_file_are_text_in_a_table(files: Files) -> None:
    files.write(store=STORE.replace("[[zone]]", 'business_day_start = "04:00"\n[[zone]]', 1))

    assert table_of(files.load())["store"]["business_day_start"] == "04:00"


def test_all_problems_at_once_as_for_a_file(files: Files, loaded: Config, table: dict[str, Any]) -> None:
    toml = STORE
    del table["store"]["currency"]
    table["device"][0] |= {"baudrat": 9600, "touchpoint": "till-2"}
    table["zone"].append({"id": "checkout"})
    for old, new in (
        ('currency = "CNY"\n', ""),
        ('"/dev/ttyUSB0"', '"/dev/ttyUSB0"\nbaudrat = 9600'),
        ('touchpoint = "till-1"', 'touchpoint = "till-2"'),
        ("[[touchpoint]]", '[[zone]]\nid = "checkout"\n[[touchpoint]]'),
    ):
        toml = toml.replace(old, new)
    files.write(store=toml)

    in_file = {problem.split(": ", 1)[1] for problem in files.problems() if "is taken" not in problem}

    assert {problem for problem in problems(loaded, payload(table)) if "is taken" not in problem} == in_file
    assert len(in_file) == 3


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t["device"][0].update(port=None), "device[0].port: has no value: leave the key out"),
        (lambda t: t["device"][0].update(baudrate=10**30), "device[0].baudrate: is too large a number"),
        (lambda t: t["device"][0].update(baudrate=9600.5), "device[0].baudrate: must be a whole number"),
        (lambda t: t["device"][0].update(baudrate="9600"), "device[0].baudrate: must be a whole number"),
        (lambda t: t["device"][0].update(port="/dev/\0"), "device[0].port: must be a device's path"),
        (lambda t: t["store"].update(name={"a": [1]}), "store.name: must be text in quotes"),
        (lambda t: t.update(device={}), "device: must be a list of tables"),
        (lambda t: t.update(device=[[]]), "device[0]: must be"),
        (lambda t: t.update(device=t["device"] * 1001), "device: there are 1001 (allowed: 1000 or less)"),
        (lambda t: t.update(agent={"tenant": "x"}), "agent: unknown key"),
        (lambda t: t["device"].append({**t["device"][0], "id": "b"}), "device[1].port: is taken"),
        (
            lambda t: t["device"].append({"id": "net", "kind": "tcp-listen", "touchpoint": "till-1",
                                          "decoder": "escpos", "listen": "0.0.0.0:8080"}),
            "device[1].listen: is taken: the status page listens there",
        ),
        (lambda t: t["device"][0].update(drive=True), "device[0].drive: a tapped line would have two transmitters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_path(
    loaded: Config, table: dict[str, Any], change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    change(table)

    assert [found for found in problems(loaded, payload(table)) if found.startswith(problem)]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"{}", b'"x"', b"\xff", b"{" * 100_000, b'{"a":' * 100_000,
        b'{"config": {"a": NaN}}', b'{"config": {"a": 1e400}}', b'{"config": {"a": "\\ud800"}}',
        b'{"config": {"a": "\xed\xa0\x80"}}', b'{"config": {"a": 1' + b"0" * 5000 + b"}}",
        payload([]), payload(None), payload({})[:-1], payload({"a": 0}).replace(b"0}", b"[" * 400 + b"]" * 400 + b"}"),
    ],
)  # fmt: skip
def test_any_bytes_are_a_config_or_say_what_is_wrong(loaded: Config, raw: bytes) -> None:
    for data in (raw, payload({}).replace(b'"config": {}', b'"config": ' + raw)):
        assert problems(loaded, data)


def test_of_a_key_that_is_given_twice_the_last_one_counts_in_every_program(
    loaded: Config, table: dict[str, Any]
) -> None:
    twice = payload(table).replace(b'"baudrate"', b'"port": "/dev/x", "baudrate"')

    assert apply_push(loaded, twice).store == loaded.store


def test_problems_have_a_bound_in_number_and_in_time(loaded: Config, table: dict[str, Any]) -> None:
    table |= {f"key{number}": 1 for number in range(60_000)}

    assert len(problems(loaded, payload(table))) == 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
        ["till-1", "serial", "tcp-listen", "nfc", "escpos", "linedisplay", "127.0.0.1:9100", "tcp://a:1", "\0", "a\n"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "kind", "port", "decoder", "touchpoint", "passthrough", "listen", "templates", "name", "drive", "zone"]
    ) | st.text(max_size=3), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


TABLES = [
    tomllib.loads(STORE),
    {
        **tomllib.loads(STORE),
        "device": [
            {"id": "a", "kind": "serial", "touchpoint": "till-1", "port": "a", "decoder": "escpos", "passthrough": "b"},
            {"id": "b", "kind": "tcp-listen", "touchpoint": "till-1", "listen": "0.0.0.0:9100", "decoder": "escpos"},
            {"id": "c", "kind": "tcp", "touchpoint": "till-1", "host": "h", "port": 1, "decoder": "lines"},
        ],
        "presence": {"enter_dbm": -70, "exit_dbm": -80},
        "privacy": {"small_count": 5},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Files(tmp_path_factory.mktemp("box")).load()


@settings(max_examples=300)
@given(st.data())
def test_any_table_is_a_config_or_says_what_is_wrong(box: Config, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))
    table = deepcopy(table)
    where: Any = table
    for _ in range(data.draw(st.integers(0, 3))):
        steps = list(where) if isinstance(where, dict) else list(range(len(where))) if isinstance(where, list) else []
        deeper = [step for step in steps if isinstance(where[step], dict | list) and where[step]]
        if deeper:
            where = where[data.draw(st.sampled_from(deeper))]
    keys = list(where) if isinstance(where, dict) else list(range(len(where)))
    where[data.draw(st.sampled_from(keys))] = data.draw(JSON)
    text = json.dumps(PUSH | {"config": table}).encode("utf-8", "surrogatepass")
    found = check_table(table, files=True)
    if found:
        with pytest.raises(InvalidConfigError) as caught:
            apply_push(box, text)
        assert len(str(caught.value).splitlines()) == len(caught.value.problems)
        str(caught.value).encode()
    else:
        assert apply_push(box, text).version == 7


def with_template(table: dict[str, Any], payable: int) -> dict[str, Any]:
    toml = TEMPLATE.replace("600", str(payable))
    return {**table, **tomllib.loads(toml)}


def test_samples_that_fail_are_told_apart_from_what_is_invalid(loaded: Config, table: dict[str, Any]) -> None:
    assert apply_push(loaded, payload(with_template(table, 600))).store.receipt_templates[0].name == "our-till"

    with pytest.raises(FailedSamplesError) as failed:
        apply_push(loaded, payload(with_template(table, 601)))
    assert [problem.path for problem in failed.value.problems] == ["receipt_template[0].samples"]

    table["device"][0]["port"] = 1
    with pytest.raises(InvalidConfigError) as invalid:
        apply_push(loaded, payload(with_template(table, 601)))
    assert not isinstance(invalid.value, FailedSamplesError)
    assert {problem.path for problem in invalid.value.problems} == {"device[0].port", "receipt_template[0].samples"}


def test_paths_are_taken_from_the_folder_of_the_file_and_secrets_must_be_there(
    files: Files, loaded: Config, table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    table["device"][0]["port"] = "ports/till"
    table["privacy"] = {"hash_key_file": "hash.key"}

    (missing,) = problems(loaded, payload(table))
    (files.folder / "hash.key").write_bytes(b"short")
    config = apply_push(loaded, payload(table))

    assert missing.startswith(f"privacy.hash_key_file: cannot be read: {files.folder}/hash.key: No such file")
    assert config.store.privacy.hash_key_file == files.folder / "hash.key"
    assert getattr(config.store.devices[0], "port", None) == f"{files.folder}/ports/till"
    assert [warning.path for warning in config.warnings if "bytes" in warning.message] == ["privacy.hash_key_file"]


def test_an_operator_checks_a_config_without_the_files_of_the_box(table: dict[str, Any], tmp_path: Path) -> None:
    table["privacy"] = {"hash_key_file": str(tmp_path / "none")}
    table["presence"] = {"service_token_keys_file": "carriers.toml"}
    table["device"].append(
        {"id": "n", "kind": "nfc", "touchpoint": "till-1", "path": "usb", "sdm_keys_file": "sdm.toml"}
    )

    assert check_table(table, files=False) == []
    assert [problem.path for problem in check_table(table, files=True)] == [
        "device[1].sdm_keys_file", "presence.service_token_keys_file", "privacy.hash_key_file"
    ]  # fmt: skip
    assert [problem.path for problem in check_table({"device": []}, files=False)] == ["store"]


def test_pushes_may_be_checked_in_threads(loaded: Config, table: dict[str, Any]) -> None:
    done: list[Config] = []
    threads = [threading.Thread(target=lambda: done.append(apply_push(loaded, payload(table)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [config.store for config in done] == [loaded.store] * 4


@pytest.fixture
def shelf(loaded: Config) -> Shelf:
    return shelf_of(loaded)


def committed(shelf: Shelf, table: dict[str, Any], *versions: int) -> Line:
    """Put pushes on the shelf, the newest first."""
    ids = tuple(ConfigId(version, shelf.keep(payload(table, version))) for version in versions)
    line = Line(version=versions[0], sha256=ids[0].sha256, phase="committed", committed=ids)
    shelf.write(line)
    return line


def test_without_a_push_the_file_is_in_force(files: Files, loaded: Config) -> None:
    assert load_in_force(files.agent_file) == loaded
    assert loaded.fallback == ""


def test_the_last_known_good_is_in_force_and_what_is_on_trial_for_those_who_ask(
    files: Files, shelf: Shelf, table: dict[str, Any]
) -> None:
    line = committed(shelf, table, 6, 5)
    trial = ConfigId(7, shelf.keep(payload(table, 7)))
    shelf.write(msgspec.structs.replace(line, version=7, sha256=trial.sha256, trial=Trial(trial, "boot", "")))

    assert load_in_force(files.agent_file).version == 6
    assert load_in_force(files.agent_file, on_trial=True).version == 7
    assert load_in_force(files.agent_file, on_trial=True).fallback == ""


def test_damage_falls_back_to_the_one_before_and_then_to_the_file(
    files: Files, loaded: Config, shelf: Shelf, table: dict[str, Any]
) -> None:
    line = committed(shelf, table, 6, 5)

    (shelf.folder / f"{line.committed[0].sha256}.json").write_bytes(b"damaged")
    config = load_in_force(files.agent_file)
    assert (config.version, config.fallback) == (5, "version 6: its bytes are missing or damaged")

    (shelf.folder / f"{line.committed[1].sha256}.json").unlink()
    config = load_in_force(files.agent_file)
    assert (config.version, config.store) == (0, loaded.store)
    assert "version 6" in config.fallback
    assert "version 5" in config.fallback

    for name in ("line.json", "line.bak"):
        (shelf.folder / name).write_bytes(b"")
    assert load_in_force(files.agent_file).fallback == "what is known of pushed configs is damaged"


def test_a_secret_that_has_gone_falls_back_and_says_which(files: Files, shelf: Shelf, table: dict[str, Any]) -> None:
    (files.folder / "hash.key").write_bytes(bytes(range(32)))
    sha256 = shelf.keep(payload({**table, "privacy": {"hash_key_file": "hash.key"}}, 6))
    shelf.write(Line(version=6, sha256=sha256, committed=(ConfigId(6, sha256),)))
    assert load_in_force(files.agent_file).version == 6

    (files.folder / "hash.key").unlink()

    config = load_in_force(files.agent_file)
    assert config.version == 0
    assert "privacy.hash_key_file: cannot be read" in config.fallback


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_read_the_pushes_sees_the_files_and_is_told(
    files: Files, loaded: Config, shelf: Shelf, table: dict[str, Any]
) -> None:
    committed(shelf, table, 6)
    for folder in (files.folder, *files.folder.parents):
        if not folder.stat().st_mode & 0o001:  # those that the test's run has made, however many there are
            folder.chmod(0o755)
    os.seteuid(65534)
    try:
        config = load_as_seen(files.agent_file)
    finally:
        os.seteuid(0)

    assert config.version == 0
    assert "run as the agent's user" in config.fallback
    assert load_as_seen(files.agent_file).version == 6
