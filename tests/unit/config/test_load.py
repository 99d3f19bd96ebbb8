"""What is wrong with a configuration is said exactly, where it stands, all of it at once."""

import hashlib
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent.config import InvalidConfigError, load
from edge_agent.config.agent import MqttSettings
from edge_agent.config.devices import KINDS, SerialSettings
from edge_agent.config.explain import keys
from edge_agent.decoders import names, settings_model
from edge_agent.errors import ConfigError
from tests.unit.config.conftest import AGENT, STORE, Files

IDENT = "1 to 63 of a-z, 0-9 and -, not beginning with -"
STORE_KEYS = "device, presence, privacy, receipt_template, store, till, touchpoint, zone"
MQTT_KEYS = ", ".join(keys(MqttSettings))
DECODERS = ", ".join(names())
KINDS_TEXT = ", ".join(KINDS)
SHAPES = "mqtts://HOST, mqtts://HOST:PORT"


def test_a_minimal_configuration_has_its_defaults(files: Files) -> None:
    config = files.load()

    assert (config.agent_file, config.store_file) == (files.agent_file, files.folder / "store.toml")
    assert (config.agent.agent.tenant, config.agent.agent.store, config.agent.agent.id) == ("acme", "sh-0001", "pc-1")
    assert config.agent.agent.state_dir == files.folder / "state"
    mqtt = config.agent.mqtt
    assert (mqtt.host, mqtt.port, mqtt.tls, mqtt.keepalive) == ("127.0.0.1", 1883, False, 30)
    assert (mqtt.acknowledge, mqtt.compression, mqtt.password()) == ("central", "zstd", None)
    assert (config.agent.page.host, config.agent.page.port) == ("127.0.0.1", 8080)
    assert config.agent.trust.keys == ()
    store = config.store
    assert store.zone == ZoneInfo("Asia/Shanghai")
    assert store.store.business_day_start == time(0, 0)
    assert [touchpoint.name for touchpoint in store.touchpoints] == ["till-1"]
    privacy = store.privacy
    assert (privacy.small_count, privacy.raw_event_hours, privacy.capture_days, privacy.hash_key()) == (5, 24, 30, None)
    assert config.warnings == ()


def test_a_device_has_the_keys_of_its_kind_and_of_its_decoder(files: Files) -> None:
    files.write(store=STORE + 'encoding = "gbk"\nidle_end = "500ms"\nparity = "E"\n')

    (device,) = files.load().store.devices

    assert isinstance(device, SerialSettings)
    assert isinstance(device, settings_model("escpos"))
    assert (device.name, device.port, device.baudrate, device.parity) == ("till-1-printer", "/dev/ttyUSB0", 9600, "E")
    assert device.idle_end == timedelta(milliseconds=500)
    assert device.model_dump()["encoding"] == "gbk"


def test_the_store_config_is_known_by_its_exact_bytes(files: Files) -> None:
    data = b"\xef\xbb\xbf" + STORE.replace("\n", "\r\n").encode()
    files.write(store=data)

    config = files.load()

    assert config.store_bytes == data
    assert config.store_sha256 == hashlib.sha256(data).hexdigest()
    assert config.store.store.name == "人民广场店"


def test_relative_paths_are_relative_to_their_file(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    (files.folder / "shop").mkdir()
    (files.folder / "shop" / "hash.key").write_bytes(b"k" * 32)
    store = STORE.replace("/dev/ttyUSB0", "lines/till") + '[privacy]\nhash_key_file = "hash.key"\n'
    (files.folder / "shop" / "our.toml").write_text(store, "utf-8")
    files.write(agent=AGENT.replace("[mqtt]", 'store_config = "shop/our.toml"\n[mqtt]'))
    monkeypatch.chdir(files.folder)

    config = load(Path("agent.toml"))

    assert config.store_file == Path("shop/our.toml")
    assert config.agent.agent.state_dir == files.folder / "state"
    assert config.store.devices[0].model_dump()["port"] == str(files.folder / "shop/lines/till")
    assert config.store.privacy.hash_key() == b"k" * 32


AGENT_PROBLEMS = [
    ('"acme"', '"Acme"', f"2: agent.tenant: does not have the right form (allowed: {IDENT})"),
    ('"acme"', '""', f"2: agent.tenant: does not have the right form (allowed: {IDENT})"),
    ('"acme"', '"acme\\n"', f"2: agent.tenant: does not have the right form (allowed: {IDENT})"),
    ('"acme"', "7", "2: agent.tenant: must be text in quotes"),
    ('"acme"', "2026-11-22", "2: agent.tenant: must be text in quotes"),
    ('id = "pc-1"\n', "", "1: agent.id: is required"),
    (
        'id = "pc-1"',
        'id = "pc-1"\nstatedir = "x"',
        "5: agent.statedir: unknown key (allowed: id, state_dir, store, store_config, tenant; did you mean state_dir)",
    ),
    ('[mqtt]\nurl = "mqtt://127.0.0.1:1883"\n', "", "1: mqtt: is required: add the table [mqtt]"),
    ("[mqtt]", "[[mqtt]]", "7: mqtt: must be one table: write [mqtt]"),
    ("[mqtt]", "[paeg]\n[mqtt]", "7: paeg: unknown key (allowed: agent, mqtt, page, trust; did you mean page)"),
    (
        "mqtt://127.0.0.1:1883",
        "mqtt://mqtt.example.com",
        "8: mqtt.url: mqtt:// sends everything in plain text to another machine: use mqtts://, or say insecure = true",
    ),
    ("mqtt://127", "tcp://127", f"8: mqtt.url: must begin with mqtt:// or mqtts:// (allowed: {SHAPES})"),
    (
        "mqtt://127.0.0.1",
        "mtqts://127.0.0.1",
        f"8: mqtt.url: must begin with mqtt:// or mqtts:// (allowed: {SHAPES}; did you mean mqtts://)",
    ),
    (
        "mqtt://127",
        "mqtt://till:hunter2@127",
        f"8: mqtt.url: holds a user or a password: use username and password_file (allowed: {SHAPES})",
    ),
    ("[mqtt]", "[mqtt]\nkeepalive = 0", "8: mqtt.keepalive: is out of range (allowed: 1 to 3600)"),
    ("[mqtt]", '[mqtt]\nkeepalive = "30"', "8: mqtt.keepalive: must be a whole number"),
    ("[mqtt]", "[mqtt]\nkeepalive = 1.5", "8: mqtt.keepalive: must be a whole number"),
    ("[mqtt]", "[mqtt]\nkeepalive = true", "8: mqtt.keepalive: must be a whole number"),
    ("[mqtt]", "[mqtt]\nkeepalive = inf", "8: mqtt.keepalive: must be a finite number"),
    ("[mqtt]", "[mqtt]\nkeepalive = 0x" + "F" * 5000, "8: mqtt.keepalive: is too large a number"),
    ("[mqtt]", "[mqtt]\ninsecure = 1", "8: mqtt.insecure: must be true or false"),
    (
        "[mqtt]",
        '[mqtt]\nacknowledge = "centrl"',
        '8: mqtt.acknowledge: "centrl" is not possible here (allowed: central, broker; did you mean central)',
    ),
    (
        "[mqtt]",
        '[mqtt]\npassword = "hunter2"',
        f"8: mqtt.password: unknown key (allowed: {MQTT_KEYS}; did you mean password_file)",
    ),
    (
        "[mqtt]",
        '[page]\nlisten = "8080"\n[mqtt]',
        "8: page.listen: must be an address and a port (allowed: ADDRESS:PORT, [IPV6]:PORT)",
    ),
    (
        "[mqtt]",
        '[page]\nallowed_hosts = [\n"edge.lan",\n"http://edge.lan"]\n[mqtt]',
        "10: page.allowed_hosts[1]: must be a host's name, without scheme and port",
    ),
    ("[mqtt]", '[page]\nallowed_hosts = "edge.lan"\n[mqtt]', "8: page.allowed_hosts: must be a list"),
    (
        "[mqtt]",
        '[trust]\nkeys = [{ id = "a", key = "BASE64", roles = ["config"] }]\n[mqtt]',
        "8: trust.keys[0].key: must be an Ed25519 public key in base64",
    ),
    (
        "[mqtt]",
        '[trust]\nkeys = [{ id = "a", key = "AAAA", roles = ["config"] }]\n[mqtt]',
        "8: trust.keys[0].key: must be an Ed25519 public key: 32 bytes in base64, these are 3",
    ),
    (
        "[mqtt]",
        f'[[trust.keys]]\nid = "a"\nkey = "{"A" * 43}="\nroles = ["comand"]\n[mqtt]',
        (
            '10: trust.keys[0].roles[0]: "comand" is not possible here '
            "(allowed: config, command, dataset, update; did you mean command)"
        ),
    ),
    (
        "[mqtt]",
        f'[[trust.keys]]\nid = "a"\nkey = "{"A" * 43}="\nroles = []\n[mqtt]',
        "10: trust.keys[0].roles: must not be empty",
    ),
    (
        'id = "pc-1"',
        'id = "pc-1"\nid = "pc-2"\ntenant = "b"',
        ["5: agent.id: is given twice, first on line 4", "6: agent.tenant: is given twice, first on line 2"],
    ),
    (
        "[mqtt]",
        '[agent]\nx = 1\n[mqtt]\nurl = "mqtt://localhost"',
        ["7: agent: is given twice, first on line 1", "11: mqtt.url: is given twice, first on line 10"],
    ),
    (
        "[mqtt]",
        (
            f'[[trust.keys]]\nid = "a"\nkey = "{"A" * 43}="\nroles = ["config"]\n'
            f'[[trust.keys]]\nid = "a"\nkey = "{"A" * 43}="\nroles = ["command"]\n[mqtt]'
        ),
        "12: trust.keys[1].id: is taken: the same id stands on line 8",
    ),
    ("[mqtt]", "store_config = 1\n[mqtt]", "7: agent.store_config: must be text in quotes"),
    ("[mqtt]", "store_config = 1979-05-27\n[mqtt]", "7: agent.store_config: must be text in quotes"),
    ("[mqtt]", "[mqtt", "7: (file): is not valid TOML: Expected ']' at the end of a table declaration"),
    ("[mqtt]", 'x = "', "7: (file): is not valid TOML: Illegal character '\\n'"),
]


@pytest.mark.parametrize(("old", "new", "expected"), AGENT_PROBLEMS)
def test_problems_of_agent_toml(files: Files, old: str, new: str, expected: str | list[str]) -> None:
    assert old in AGENT
    files.write(agent=AGENT.replace(old, new, 1))

    assert files.problems() == [
        f"agent.toml:{line}" for line in ([expected] if isinstance(expected, str) else expected)
    ]


STORE_PROBLEMS = [
    ('name = "人民广场店"\n', "", "1: store.name: is required"),
    (
        "[[touchpoint]]",
        "[presence]\nenter_dbm = -80\nexit_dbm = -80\n[[touchpoint]]",
        "11: presence.exit_dbm: exit_dbm (-80) must be below enter_dbm (-80)",
    ),
    (
        "[[touchpoint]]",
        "[presence]\nenter_dbm = -90\n[[touchpoint]]",
        "10: presence.enter_dbm: exit_dbm (-82) must be below enter_dbm (-90)",
    ),
    (
        "[[touchpoint]]",
        '[presence]\nibeacon_uuids = ["mine"]\n[[touchpoint]]',
        "10: presence.ibeacon_uuids[0]: does not have the right form (allowed: 8-4-4-4-12 hex digits)",
    ),
    (
        "[[touchpoint]]",
        "[[scene]]\n[[touchpoint]]",
        f"9: scene: is not supported by this version (allowed: {STORE_KEYS})",
    ),
    ("[[device]]", "[[devices]]", f"13: devices: unknown key (allowed: {STORE_KEYS}; did you mean device)"),
    ("[[device]]", "[device]", "13: device: must be a list of tables: write [[device]] before each of them"),
    (
        "[[device]]",
        "[privacy]\nsmall_count = 0\n[[device]]",
        "14: privacy.small_count: is out of range (allowed: 1 to 1000)",
    ),
    (
        "Asia/Shanghai",
        "asia/shangai",
        (
            "3: store.timezone: is not a time zone of the IANA database "
            "(allowed: Asia/Shanghai, Europe/Berlin, …; did you mean Asia/Shanghai)"
        ),
    ),
    (
        "Asia/Shanghai",
        "../../etc/passwd",
        "3: store.timezone: is not a time zone of the IANA database (allowed: Asia/Shanghai, Europe/Berlin, …)",
    ),
    (
        '"CNY"',
        '"RMB"',
        (
            "4: store.currency: must be an ISO 4217 code, three upper-case letters "
            "(allowed: CNY, HKD, EUR, …; did you mean CNY)"
        ),
    ),
    (
        '"CNY"',
        '"CNY"\nbusiness_day_start = "4:00"',
        "5: store.business_day_start: must be a time of day (allowed: 00:00 to 23:59)",
    ),
    ('"CNY"', '"CNY"\nbusiness_day_start = 04:00:00', "5: store.business_day_start: must be text in quotes"),
    (
        '"CNY"',
        '"CNY"\nopening_hours = "9-22"',
        "5: store.opening_hours: must say from when to when (allowed: HH:MM-HH:MM)",
    ),
    (
        'zone = "checkout"',
        'zone = "chekout"',
        "11: touchpoint[0].zone: there is no [[zone]] with this id (allowed: checkout; did you mean checkout)",
    ),
    (
        'touchpoint = "till-1"',
        'touchpoint = "door"',
        "16: device[0].touchpoint: there is no [[touchpoint]] with this id (allowed: till-1)",
    ),
    (
        "[[device]]",
        '[[touchpoint]]\nid = "till-1"\n[[device]]',
        "14: touchpoint[1].id: is taken: the same id stands on line 10",
    ),
    ('kind = "serial"\n', "", f"13: device[0].kind: is required (allowed: {KINDS_TEXT})"),
    (
        'kind = "serial"',
        'kind = "serail"',
        f'15: device[0].kind: "serail" is not possible here (allowed: {KINDS_TEXT}; did you mean serial)',
    ),
    (
        'kind = "serial"',
        'kind = "ble"',
        [
            "17: device[0].port: unknown key (allowed: adapter, id, kind, name, touchpoint)",
            "18: device[0].decoder: unknown key (allowed: adapter, id, kind, name, touchpoint)",
        ],
    ),
    (
        'kind = "serial"',
        "kind = 1",
        f"15: device[0].kind: must be text in quotes (allowed: {KINDS_TEXT})",
    ),
    ('decoder = "escpos"\n', "", f"13: device[0].decoder: is required (allowed: {DECODERS})"),
    (
        '"escpos"',
        '"escpso"',
        f'18: device[0].decoder: "escpso" is not possible here (allowed: {DECODERS}; did you mean escpos)',
    ),
    (
        '"escpos"',
        '"scale"',
        "13: device[0].protocol: is required",
    ),
    ('port = "/dev/ttyUSB0"\n', "", "13: device[0].port: is required"),
    ("/dev/ttyUSB0", "ttyUSB0", "17: device[0].port: must be a device's path (did you mean /dev/ttyUSB0)"),
    (
        "/dev/ttyUSB0",
        "COM3",
        "17: device[0].port: must be a device's path (allowed: /dev/serial/by-id/…, /dev/serial/by-path/…, /dev/tty…)",
    ),
    ("[[device]]", "[[device]]\nbaudrate = 49", "14: device[0].baudrate: is out of range (allowed: 50 to 4000000)"),
    ("[[device]]", '[[device]]\nbaudrate = "9600"', "14: device[0].baudrate: must be a whole number"),
    ("[[device]]", "[[device]]\nstopbits = 3", "14: device[0].stopbits: is not possible here (allowed: 1, 2)"),
    ("[[device]]", '[[device]]\nidle_end = "1ms"', "14: device[0].idle_end: is out of range (allowed: 10ms to 5m)"),
    (
        "[[device]]",
        "[[device]]\nidle_end = 2",
        '14: device[0].idle_end: must be a duration: a whole number and a unit, as "500ms", "2s", "5m", "4h", "30d"',
    ),
    (
        "[[device]]",
        (
            '[[device]]\nid = "other"\nkind = "serial"\ntouchpoint = "till-1"\nport = "/dev/ttyUSB0"\n'
            'decoder = "lines"\n[[device]]'
        ),
        "23: device[1].port: is taken: the device of line 17 reads it",
    ),
    (
        "[[device]]",
        (
            '[[device]]\nid = "till-1-printer"\nkind = "tcp"\ntouchpoint = "till-1"\nhost = "h"\nport = 1\n'
            'decoder = "lines"\n'
            "[[device]]"
        ),
        "21: device[1].id: is taken: the same id stands on line 14",
    ),
    (
        "[[device]]",
        (
            '[[device]]\nid = "a"\nkind = "tcp-listen"\ntouchpoint = "till-1"\nlisten = "0.0.0.0:8080"\n'
            'decoder = "lines"\n[[device]]'
        ),
        "17: device[0].listen: is taken: the status page listens there",
    ),
    (
        "[[device]]",
        (
            '[[device]]\nid = "a"\nkind = "tcp"\ntouchpoint = "till-1"\nhost = "http://h"\nport = 0\n'
            'decoder = "lines"\n[[device]]'
        ),
        [
            "17: device[0].host: must be a host's name or an IP address",
            "18: device[0].port: is out of range (allowed: 1 to 65535)",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), STORE_PROBLEMS)
def test_problems_of_store_toml(files: Files, old: str, new: str, expected: str | list[str]) -> None:
    assert old in STORE
    files.write(store=STORE.replace(old, new, 1))

    assert files.problems() == [
        f"store.toml:{line}" for line in ([expected] if isinstance(expected, str) else expected)
    ]


@pytest.mark.parametrize(
    ("kind", "key", "one", "other"),
    [
        ("nfc", "path", "nfc-1:pn532", "link:pn532"),
        ("nfc", "path", "tty:nfc-counter:pn532", "/dev/nfc-counter:pn532"),
        ("nfc", "path", "usb:072f:2200", "usb:072f:2200"),
        ("pcsc", "reader", "ACR1252", "ACR1252"),
    ],
)
def test_one_thing_under_two_names_has_one_owner(files: Files, kind: str, key: str, one: str, other: str) -> None:
    (files.folder / "link").symlink_to(files.folder / "nfc-1")
    devices = "".join(
        f'[[device]]\nid = "reader-{number}"\nkind = "{kind}"\ntouchpoint = "till-1"\n{key} = "{thing}"\n'
        for number, thing in enumerate((one, other))
    )
    files.write(store=STORE + devices)

    (problem,) = files.problems()

    assert f"device[2].{key}: is taken: the device of line" in problem


def test_one_adapter_has_one_owner_also_where_it_is_not_named(files: Files) -> None:
    ble = '[[device]]\nid = "{}"\nkind = "ble"\ntouchpoint = "till-1"\n'
    files.write(store=STORE + ble.format("a") + ble.format("b") + 'adapter = "hci0"\n')

    (problem,) = files.problems()

    assert "device[2].adapter: is taken" in problem


def test_an_unknown_key_of_a_device_may_be_meant_for_its_kind_or_its_decoder(files: Files) -> None:
    files.write(store=STORE + 'baudrat = 9600\nencodign = "gbk"\n')

    baudrate, encoding = files.problems()

    assert baudrate.startswith("store.toml:19: device[0].baudrat: unknown key (allowed: baudrate, bytesize, ")
    assert baudrate.endswith("; did you mean baudrate)")
    assert "encoding" in baudrate
    assert encoding.startswith("store.toml:20: device[0].encodign: unknown key (allowed: ")
    assert encoding.endswith("; did you mean encoding)")


def test_a_device_of_a_misspelt_kind_is_checked_as_what_was_meant(files: Files) -> None:
    files.write(store=STORE.replace('"serial"', '"Serial"').replace('"escpos"', '"escpo"') + "baudrate = 1\n")

    assert [problem.split(":")[2].strip() for problem in files.problems()] == [
        "device[0].kind",
        "device[0].decoder",
        "device[0].baudrate",
    ]


def test_templates_must_exist(files: Files) -> None:
    files.write(store=STORE + 'templates = [\n  "en-retail",\n  "zh-retial",\n]\n')

    (problem,) = files.problems()

    assert problem.startswith(
        "store.toml:21: device[0].templates[1]: there is no receipt template of this name (allowed: "
    )
    assert problem.endswith("; did you mean zh-retail)")


def test_everything_wrong_with_both_files_is_said_at_once(files: Files) -> None:
    agent = """\
[agent]
tenant = "Acme"
store = "sh-0001"
state_dir = "state"
[mqtt]
url = "mqtt://broker.example.com"
keepalive = 0
compress = "zstd"
[page]
listen = "nowhere"
"""
    store = """\
[store]
name = "店"
timezone = "Asia/Shangai"
currency = "cny"
[[touchpoint]]
id = "till-1"
zone = "hall"
[[device]]
id = "a"
kind = "serial"
touchpoint = "till-2"
port = "/dev/ttyS0"
decoder = "escpos"
parity = "X"
[[device]]
id = "a"
kind = "tcp"
touchpoint = "till-1"
decoder = "lines"
port = 1
"""
    files.write(agent, store)

    assert [":".join(problem.split(":")[:3]) for problem in files.problems()] == [
        "agent.toml:1: agent.id",
        "agent.toml:2: agent.tenant",
        "agent.toml:6: mqtt.url",
        "agent.toml:7: mqtt.keepalive",
        "agent.toml:8: mqtt.compress",
        "agent.toml:10: page.listen",
        "store.toml:3: store.timezone",
        "store.toml:4: store.currency",
        "store.toml:7: touchpoint[0].zone",
        "store.toml:11: device[0].touchpoint",
        "store.toml:14: device[0].parity",
        "store.toml:15: device[1].host",
        "store.toml:16: device[1].id",
    ]


def test_store_toml_is_checked_even_where_agent_toml_is_no_toml(files: Files) -> None:
    files.write(agent="[agent", store=STORE.replace('"CNY"', "1"))

    assert [problem.split(": ")[0] for problem in files.problems()] == ["agent.toml:1", "store.toml:4"]


def test_a_file_that_is_not_there(files: Files) -> None:
    files.agent_file.unlink()
    with pytest.raises(ConfigError, match=r"agent\.toml:1: \(file\): cannot be read: No such file or directory"):
        files.load()


def test_a_store_config_that_is_not_there(files: Files) -> None:
    files.write(agent=AGENT.replace("[mqtt]", 'store_config = "shop.toml"\n[mqtt]'))

    assert files.problems() == [
        (
            f'agent.toml:7: agent.store_config: there is no file "{files.folder}/shop.toml": '
            "write the store's configuration, or name another file"
        )
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[store]\nname = '\xff'\n", "2: (file): is not UTF-8: save the file with that encoding"),
        (b"x = 1\n" * 300_000, "1: (file): is larger than 1048576 bytes"),
        (b"x = " + b"[" * 5_000, "1: (file): is nested more than 16 deep"),
        (b"x = " + b"1" * 5_000, "1: (file): is not valid TOML: Exceeds the limit (4300 digits) for integer string"),
    ],
)
def test_a_store_config_nobody_can_read(files: Files, data: bytes, expected: str) -> None:
    files.write(store=data)

    (problem,) = files.problems()

    assert problem.startswith(f"store.toml:{expected}")


def test_odd_keys_and_values_stay_on_their_line(files: Files) -> None:
    files.write(agent=AGENT + '"a\\nb" = 1\nacknowledge = "x\\u0085y"\n"[key]" = 1\n')

    problems = files.problems()

    assert [problem.split(": ")[1] for problem in problems] == ['mqtt."a\\nb"', "mqtt.acknowledge", 'mqtt."[key]"']
    assert '"x\\u0085y" is not possible here' in problems[1]


def test_the_values_of_a_broken_configuration_are_not_chained(files: Files) -> None:
    files.write(agent=AGENT + 'password = "hunter2"\n')
    with pytest.raises(InvalidConfigError) as caught:
        files.load()

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "hunter2" not in str(caught.value)
