from pathlib import Path
from typing import Any

import pytest

from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet.store_file import filled, load, read_values

TOML = """\
[store]
name = "${name}"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"

[[device]]
id = "till-1-printer"
kind = "serial"
touchpoint = "till-1"
port = "/dev/${port}"
baudrate = "${baud}"
decoder = "escpos"
xonxoff = "${flow}"
"""
CSV = "store,name,port,baud:int,flow:bool\nsh-1,人民广场店,ttyUSB0,9600,true\nsh-2,0137,ttyS1,19200,FALSE\n"
SH_1, SH_2, SH_3 = (Topics("acme", f"sh-{number}", "pc-1") for number in (1, 2, 3))


def fill(folder: Path, toml: str = TOML, csv: str | None = CSV, *agents: Topics) -> dict[Topics, dict[str, Any]]:
    (folder / "store.toml").write_text(toml)
    (folder / "values.csv").write_text(csv or "")
    values = folder / "values.csv" if csv is not None else None
    return filled(load(folder / "store.toml", values), agents or (SH_1, SH_2))


def test_each_store_gets_its_own(tmp_path: Path) -> None:
    tables = fill(tmp_path)
    assert tables[SH_1]["store"]["name"] == "人民广场店"
    assert tables[SH_1]["device"][0]["port"] == "/dev/ttyUSB0"
    assert tables[SH_1]["device"][0]["baudrate"] == 9600
    assert tables[SH_1]["device"][0]["xonxoff"] is True
    assert tables[SH_2]["store"]["name"] == "0137"
    assert tables[SH_2]["device"][0]["xonxoff"] is False


def test_who_it_is_is_always_there(tmp_path: Path) -> None:
    toml = (
        TOML.replace("${name}", "${tenant} ${store} ${agent}").replace('"${baud}"', "9600").replace('"${flow}"', "true")
    )
    tables = fill(tmp_path, toml.replace("${port}", "tty${agent}"), None)
    assert tables[SH_1]["store"]["name"] == "acme sh-1 pc-1"
    assert tables[SH_2]["device"][0]["port"] == "/dev/ttypc-1"


def test_a_typed_value_inside_a_text_is_text(tmp_path: Path) -> None:
    tables = fill(tmp_path, TOML.replace('"${name}"', '"店 ${baud} ${flow}"'))
    assert tables[SH_1]["store"]["name"] == "店 9600 true"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("^合计$", "^合计$"),
        ("a$$", "a$$"),
        ("$name", "$name"),
        ("${2}", "${2}"),
        ("$${name}", "${name}"),
        ("¥$1", "¥$1"),
    ],
)
def test_only_braces_are_a_placeholder(tmp_path: Path, written: str, read: str) -> None:
    """Regular expressions of receipt templates end in $."""
    assert fill(tmp_path, TOML.replace("${name}", written))[SH_1]["store"]["name"] == read


def test_a_missing_value_names_store_and_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        fill(tmp_path, TOML, CSV + "sh-3,三店,,9600,true\n", SH_1, SH_2, SH_3)
    assert str(error.value) == (
        f"sh-3: {tmp_path}/store.toml: device[0].port: there is no value for ${{port}}: "
        "add a column port and this store's row"
    )


def test_what_is_wrong_in_many_stores_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        fill(tmp_path, TOML.replace("escpos", "escpso"))
    [line] = str(error.value).splitlines()
    assert line.startswith(f"sh-1 and 1 more: {tmp_path}/store.toml:15: device[0].decoder:")
    assert "did you mean escpos" in line


def test_one_store_s_invalid_value_is_told_with_the_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^sh-2: .*:14: device\[0\].baudrate: "):
        fill(tmp_path, TOML, CSV.replace("19200", "-5"))


def test_a_number_where_the_column_says_text_is_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="baudrate: must be a whole number"):
        fill(tmp_path, TOML, CSV.replace("baud:int", "baud"))


def test_a_time_of_day_without_quotes_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be text in quotes"):
        fill(tmp_path, TOML.replace('currency = "CNY"', 'currency = "CNY"\nbusiness_day_start = 04:00:00'))


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("", "no column “store”"),
        ("shop,name\nsh-1,a\n", "no column “store”"),
        ("store,name\nsh-1\n", ":2: has 1 cells, not 2"),
        ("store,name\nsh-1,a\n\nsh-1,b\n", ":4: store sh-1 is given twice"),
        ("store,name\n,a\n", ":2: names no store"),
        ("store,name,name\nsh-1,a,b\n", "given twice: name"),
        ("store,baud:number\nsh-1,1\n", "'number' is no type"),
        ("store,baud:int\nsh-1,96oo\n", ":2: baud: '96oo' is no whole number"),
        ("store,baud:int\nsh-1,0137\n", "'0137' is no whole number"),
        ("store,flow:bool\nsh-1,yes\n", "'yes' is no true or false"),
        ('store,name\nsh-1,"a\n', "is not CSV"),
    ],
)
def test_a_csv_that_says_nothing_clear_is_refused(tmp_path: Path, csv: str, message: str) -> None:
    (tmp_path / "values.csv").write_text(csv)
    with pytest.raises(ConfigError) as error:
        read_values(tmp_path / "values.csv")
    assert message in str(error.value)


def test_a_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_bytes('\ufeffstore,name\r\nsh-1,"人民\n广场, 店"\r\n'.encode())
    assert read_values(tmp_path / "values.csv") == {"sh-1": {"store": "sh-1", "name": "人民\n广场, 店"}}


def test_a_csv_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_bytes("store,name\nsh-1,人民广场店\n".encode("gb18030"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_values(tmp_path / "values.csv")
