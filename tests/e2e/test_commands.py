"""The commands of contract section 1, each in a process of its own, with what people really type."""

import asyncio
import functools
import json
import operator
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge_agent import __version__
from edge_agent.contract.events import EVENT_TYPES, schema_urn
from edge_agent.simulator.virtual_store import AGENT_TOML, PEOPLE_TOML, STORE_TOML, VirtualStore
from tests.support.bluez import bluez
from tests.support.command import Result, edge_agent
from tests.support.shop import ShopUnderTest
from tests.support.slips import sale

CUT = b"\x1dV\x42\x00"
SCRIPT = Path(sys.executable).with_name("edge-agent")


def printed(text: str) -> bytes:
    return b"\x1b@\x1c&" + text.encode("gb18030") + b"\n" + CUT


def slip(result: Result) -> dict[str, Any]:
    (line,) = result.lines
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "store.toml").write_text(STORE_TOML, "utf-8")
    file = tmp_path / "agent.toml"
    file.write_text(AGENT_TOML.format(port=9), "utf-8")  # discard: nobody listens there
    return file


def test_the_installed_script_is_the_module() -> None:
    for arguments in (["--version"], ["--help"], ["schema", "nonsense"], ["decode"]):
        module, script = edge_agent(*arguments), edge_agent(*arguments, program=[str(SCRIPT)])
        assert module == script, arguments
    assert edge_agent("--version").out == f"edge-agent {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["decode"], ["schema"], ["status", "--nonsense"], ["demo", "--seconds", "soon"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    result = edge_agent(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: edge-agent" in result.err


# --- check and doctor ---


def test_check_says_ok_and_warns(config: Path) -> None:
    result = edge_agent("check", "--config", config)
    assert (result.code, result.err) == (0, "")
    assert result.lines == [f"{config}: ok", f"{config.with_name('store.toml')}: ok (1 devices)"]

    (config.parent / "password").write_text("secret")
    (config.parent / "password").chmod(0o644)
    config.write_text(AGENT_TOML.format(port=9).replace("[page]", 'username = "u"\npassword_file = "password"\n[page]'))
    warned = edge_agent("check", "--config", config)
    assert warned.code == 0
    assert warned.lines[-1].startswith(f"warning: {config}:")
    assert "mqtt.password_file" in warned.lines[-1]
    assert "mqtt.password_file" in edge_agent("doctor", "--config", config).out


def test_check_says_everything_that_is_wrong_at_once(config: Path) -> None:
    config.write_text(config.read_text().replace("keepalive = 10", "keepalvie = 10"))
    store = config.with_name("store.toml")
    store.write_text(STORE_TOML.replace("escpos", "escops").replace("CNY", "RMB"))
    result = edge_agent("check", "--config", config)
    assert (result.code, result.out) == (2, "")
    assert f"{config}:9: mqtt.keepalvie: " in result.err
    assert "did you mean keepalive" in result.err
    assert f"{store}:4: store.currency: " in result.err
    assert f"{store}:18: device[0].decoder: " in result.err


@pytest.mark.parametrize(
    ("command", "kind"),
    [("check", kind) for kind in ("missing", "folder", "huge", "endless", "nul")]
    + [(command, "junk") for command in ("check", "run", "status", "doctor")],
)
def test_whatever_is_no_config_is_a_config_error(tmp_path: Path, command: str, kind: str) -> None:
    path = tmp_path / "agent.toml"
    match kind:
        case "folder":
            path.mkdir()
        case "junk":
            path.write_bytes(bytes(range(256)) * 40)
        case "huge":
            path.write_bytes(b"#" * 3_000_000)
        case "endless":
            path = Path("/dev/zero")
        case "nul":
            path.write_bytes(b"[agent]\0")
    result = edge_agent(command, "--config", path)
    assert (result.code, result.out) == (2, "")
    assert re.match(rf"{path}:\d: \(file\): ", result.err)


def test_a_config_nobody_may_read_is_a_config_error(config: Path) -> None:
    config.chmod(0)
    # Root reads everything, unless it gives that power up.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    result = edge_agent("check", "--config", config, program=[*powerless, sys.executable, "-m", "edge_agent"])
    assert (result.code, "cannot be read: Permission denied" in result.err) == (2, True)


def test_doctor_says_what_to_do_and_touches_nothing(config: Path) -> None:
    result = edge_agent("doctor", "--config", config)
    assert result.code == 1
    findings = {line[5:].partition(":")[0]: line for line in result.lines}
    assert findings["agent"].endswith("not running")
    assert findings["device till-1-printer"].startswith("FAIL")
    assert "plug the adapter in" in findings["device till-1-printer"]
    assert findings["broker"].startswith("FAIL")
    assert findings["state directory"].startswith("ok")
    assert not (config.parent / "state").exists()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A store with a reader and a radio that are not there."""
    store = VirtualStore(tmp_path)
    store.configure(AGENT_TOML.replace("{port}", "9"), STORE_TOML + PEOPLE_TOML)
    return store.config


def doctor(config: Path, bus: str) -> dict[str, str]:
    result = edge_agent("doctor", "--config", config, env={"DBUS_SYSTEM_BUS_ADDRESS": bus})
    return {line[5:].partition(":")[0]: line for line in result.lines}


async def test_doctor_looks_for_readers_and_adapters(people: Path) -> None:
    without = await asyncio.to_thread(doctor, people, f"unix:path={people.parent}/no-bus")
    assert "nfc-counter does not exist" in without["device till-1-nfc"]
    assert "correct `path`" in without["device till-1-nfc"]
    assert without["device door-ble"].startswith("FAIL")
    assert "apt-get install bluez" in without["device door-ble"]

    async with bluez(people.parent / "bluez") as simulated:
        assert (await asyncio.to_thread(doctor, people, simulated.address))["device door-ble"].startswith("ok")
        await simulated.do(do="remove_adapter")
        missing = await asyncio.to_thread(doctor, people, simulated.address)
        assert "bluetoothctl list" in missing["device door-ble"]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("sdm-keys.toml", 'meta = "00"\nfile = "SECRETSECRETSECRETSECRETSECRETSE"\n', "device[1].sdm_keys_file: "),
        ("tokens.toml", '[[carrier]]\nid = "a"\ntoken_key = "SECRET"\n', "presence.service_token_keys_file: "),
        ("tokens.toml", "\xff", "presence.service_token_keys_file: "),
    ],
)
def test_check_finds_what_is_wrong_with_a_file_of_keys_and_repeats_none(
    people: Path, file: str, text: str, said: str
) -> None:
    people.with_name(file).write_bytes(text.encode("latin-1"))
    result = edge_agent("check", "--config", people)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert said in line
    assert str(people.with_name(file)) in line
    assert "SECRET" not in line


def test_doctor_does_not_open_a_line(config: Path) -> None:
    """A FIFO blocks whoever opens it until its other end is opened, too: opening would hang, or be noticed."""
    os.mkfifo(config.parent / "till-1")
    result = edge_agent("doctor", "--config", config, seconds=20)
    assert "is not a serial port" in result.out


async def test_doctor_takes_the_running_agents_word(shop: ShopUnderTest) -> None:
    await shop.central()
    await shop.agent()
    await shop.until_status(lambda status: bool(status["sync"]["connected"]))
    result = await asyncio.to_thread(edge_agent, "doctor", "--config", shop.store.config)
    assert "FAIL device till-1-printer: down" in result.out
    assert "the agent is connected" in result.out
    ask = functools.partial(edge_agent, "status", "--config", shop.store.config)
    chinese = await asyncio.to_thread(ask, env={"LC_ALL": "zh_CN.UTF-8"})
    assert re.fullmatch(r"需要处理  1号收银小票从\d\d:\d\d起找不到了。", chinese.lines[0])
    status = await asyncio.to_thread(ask, env={"LC_ALL": "C.UTF-8"})
    assert status.code == 1
    assert re.fullmatch(r"Action needed  1号收银小票 has not been found since \d\d:\d\d\.", status.lines[0])
    as_json = await asyncio.to_thread(edge_agent, "status", "--json", "--config", shop.store.config)
    assert (as_json.code, json.loads(as_json.out)["level"]) == (1, "action")


def test_status_without_an_agent(config: Path) -> None:
    result = edge_agent("status", "--config", config)
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("not running")


# --- decode ---


def test_decode_shows_what_was_printed_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "till.bin"
    file.write_bytes(printed(sale(extra="会员手机: 13812345678")) + printed("谢谢惠顾"))
    result = edge_agent("decode", "escpos", file)
    first, second = map(json.loads, result.lines)
    assert (result.code, first["observation"], first["lines"][0]) == (0, "receipt", "        惠民便利店")
    assert second["lines"] == ["谢谢惠顾"]
    assert "13812345678" not in result.out
    assert edge_agent("decode", "escpos", "-", stdin=file.read_bytes()).lines[1] == result.lines[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sale(), {"kind": "sale", "order_no": "20261122000137"}),
        (sale().replace("便利店", "便利店\n** 补打 **"), {"kind": "reprint"}),
        ("惠民饭店\n预结单\n2026-11-22 10:31:05\n宫保鸡丁   1   38.00   38.00\n合计   38.00", {"kind": "prebill"}),
        ("厨房单\n桌号: A5\n宫保鸡丁  x1\n米饭  x2", {"kind": "kitchen"}),
        ("商户存根\n授权码: 123456\n参考号: 123456789012\n金额: RMB 16.00", {"kind": "merchant_copy"}),
        ("谢谢惠顾\n电话 13812345678", {"reason": "no_template"}),
        ("交班报表\n收银员: 王芳\n销售总额: 8420.00", {"kind": "shift_report"}),
    ],
)
def test_decode_orders_shows_every_kind_of_slip(text: str, expected: dict[str, str]) -> None:
    result = edge_agent("decode", "escpos", "-", "--orders", stdin=printed(text))
    found = slip(result)
    assert (result.code, {name: found[name] for name in expected}) == (0, expected)
    assert "13812345678" not in result.out


def test_decode_orders_shows_what_a_registers_own_report_says() -> None:
    text = "交班报表\n收银机: 03\n总单数: 6\n现金: 43.00\n微信支付: 500.00\n营业总额: 543.00"
    found = slip(edge_agent("decode", "escpos", "-", "--orders", stdin=printed(text)))
    assert (found["kind"], found["workstation"]) == ("shift_report", "03")
    tenders = {"cash": 4300, "wechat_pay": 50000}
    assert found["report"] == {
        "total": 54300,
        "orders": 6,
        "tenders": tenders,
        "first_number": None,
        "last_number": None,
    }


def test_decode_lines_and_what_is_not_decoded() -> None:
    body = b'{"order_no": "A-1", "payable": 16.00, "member": "13812345678"}\nnonsense 1\n{"code": "6901234567892"}\n'
    result = edge_agent("decode", "lines", "-", stdin=body)
    record, undecoded, scan = map(json.loads, result.lines)
    assert (record["observation"], record["fields"]["totals"]) == ("record", {"payable": "16.00"})
    assert "13812345678" not in result.out
    assert (undecoded["reason"], bytes.fromhex(undecoded["hex"])) == ("not_json", b"nonsense 1\n")
    assert scan == {"observation": "scan", "code": "6901234567892"}

    orders = edge_agent("decode", "lines", "-", "--orders", stdin=body)
    assert (orders.code, json.loads(orders.lines[0])["totals"]["payable"]) == (0, 1600)
    assert '"not_json"' in orders.err, "stdout carries orders, and what is none is not silent"


def test_bytes_that_nobody_can_read_show_no_long_number() -> None:
    shown = slip(edge_agent("decode", "lines", "-", stdin="手机:138 1234 5678,137-0000-1111\n".encode("gb18030")))
    assert (shown["bytes"], shown["reason"]) == (33, "encoding")
    assert b"1234" not in bytes.fromhex(shown["hex"])
    assert b"0000" not in bytes.fromhex(shown["hex"])


@pytest.mark.parametrize("body", [b"", b"nonsense\n"])
def test_decode_of_nothing_ends_with_1(body: bytes) -> None:
    result = edge_agent("decode", "lines", "-", stdin=body)
    assert result.code == 1
    assert "nothing was decoded" in result.err


def test_decode_with_a_devices_settings(config: Path) -> None:
    store = config.with_name("store.toml")
    export = '[[device]]\nid = "export"\nkind = "tcp-listen"\ntouchpoint = "till-1"\nlisten = "127.0.0.1:9100"\n'
    store.write_text(
        STORE_TOML + export + 'decoder = "lines"\nformat = "key-value"\n[device.fields]\npayable = "due"\n'
    )
    body = b"order_no=7;due=12.50\n"
    found = slip(edge_agent("decode", "lines", "-", "--config", config, "--orders", stdin=body))
    assert (found["totals"]["payable"], found["source"]["device"]) == (1250, "export")
    named = edge_agent("decode", "lines", "-", "--config", config, "--device", "export", "--orders", stdin=body)
    assert slip(named)["attribution"]["store"] == "sh-0001"


def test_decode_shows_no_card_number_of_a_payment(config: Path) -> None:
    store = config.with_name("store.toml")
    terminal = '[[device]]\nid = "ecr"\nkind = "tcp-listen"\ntouchpoint = "till-1"\nlisten = "127.0.0.1:9101"\n'
    reads = 'decoder = "ecr"\nlrc = "body-etx"\nlength = "none"\nbody = "separated"\nresults = { "00" = "approved" }\n'
    fields = 'fields = { result = "bytes 1-2", reference = "field 2", pan = "field 3" }\n'
    store.write_text(STORE_TOML + terminal + reads + fields)
    card = "4111111111111111"
    body = f"00\x1c{card}\x1c{card}\x03".encode()
    answer = b"\x02" + body + bytes([functools.reduce(operator.xor, body)])
    result = edge_agent("decode", "ecr", "-", "--config", config, stdin=answer)
    (payment,) = map(json.loads, result.lines)
    assert (payment["result"], len(payment["reference"])) == ("approved", len(card))
    assert card not in result.out


def test_decode_with_one_template_only() -> None:
    tried = edge_agent("decode", "escpos", "-", "--orders", "--template", "zh-retail", stdin=printed(sale()))
    assert slip(tried)["evidence"]["template"] == "zh-retail@1"
    other = edge_agent("decode", "escpos", "-", "--orders", "--template", "ko-retail", stdin=printed(sale()))
    assert slip(other)["reason"] == "no_template"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense", "-"], "unknown decoder 'nonsense' (allowed: ecr, escpos, linedisplay, lines, scale, scanner)"),
        (["escpos", "-", "--template", "nonsense"], "unknown template 'nonsense' (allowed: "),
        (["escpos", "-", "--device", "nonsense"], "no device 'nonsense'"),
        (["escpos", "/nonexistent"], "/nonexistent: No such file or directory"),
        (["escpos", "/"], "/: Is a directory"),
        (["escpos", "-", "--config", "/"], "cannot be read: Is a directory"),
    ],
)
def test_decode_of_what_is_not_there_ends_with_2(arguments: list[str], said: str) -> None:
    result = edge_agent("decode", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_output_is_utf_8_wherever_it_goes() -> None:
    result = edge_agent(
        "decode", "escpos", "-", stdin=printed("合计"), env={"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"}
    )
    assert slip(result)["lines"] == ["合计"]


# --- selftest and schema ---


def test_selftest_passes() -> None:
    result = edge_agent("selftest")
    assert (result.code, result.err) == (0, "")
    assert {"decoder escpos: ok", "decoder lines: ok", "template zh-retail: ok"} <= set(result.lines)


@pytest.mark.parametrize("what", ["config", "events", "datasets", "asyncapi"])
def test_schema_prints_valid_json(what: str) -> None:
    result = edge_agent("schema", what)
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    if what == "config":
        Draft202012Validator.check_schema(document)
    if what == "events":
        for schema in document.values():
            Draft202012Validator.check_schema(schema)
        assert {schema_urn(row.schema) for row in EVENT_TYPES.values()} <= {s["$id"] for s in document.values()}
        assert "specversion" in document["envelope"]["properties"]
    if what == "asyncapi":
        assert document["asyncapi"] == "3.0.0"


def test_an_unknown_schema_is_told_what_is_allowed() -> None:
    result = edge_agent("schema", "nonsense")
    assert (result.code, result.out) == (2, "")
    assert "allowed: config, events, datasets, asyncapi" in result.err


def test_an_unknown_log_level_is_told_what_is_allowed(config: Path) -> None:
    result = edge_agent("run", "--log-level", "loud", "--config", config)
    assert (result.code, "allowed: debug, info, warning, error" in result.err) == (2, True)


def test_a_demo_whose_reader_goes_ends_all_of_it_without_a_word() -> None:
    with subprocess.Popen([SCRIPT, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while b"confirmed" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.stdout.close()
        said = demo.stderr.read()
    assert (said, demo.returncode) == (b"", 0)
