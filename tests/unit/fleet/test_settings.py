from pathlib import Path

import pytest

from edge_agent.errors import ConfigError
from edge_agent.fleet.settings import Options, find, load

FILE = 'url = "mqtts://mqtt.example.com"\ntenant = "acme"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "fleet.toml"
    file.write_text(text)
    return file


def test_files_are_found_beside_it_and_options_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "ops.key").write_text("key")
    (tmp_path / "here.key").write_text("key")
    file = written(tmp_path / "etc", FILE + 'key_file = "ops.key"\n')
    monkeypatch.chdir(tmp_path)
    assert load(Options(file), {}).key_file == tmp_path / "etc" / "ops.key"
    changed = load(Options(file, {"key_file": Path("here.key"), "tenant": "other", "username": None}), {})
    assert (changed.key_file, changed.tenant, changed.broker.port) == (tmp_path / "here.key", "other", 8883)


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"HOME": str(tmp_path / "home")}
    assert find(None, home) is None
    usual = tmp_path / "home" / ".config" / "edge-fleet"
    usual.mkdir(parents=True)
    assert find(None, home) is None
    at_home = written(usual, FILE)
    assert find(None, home) == at_home
    written(tmp_path, FILE)
    assert find(None, home) == Path("fleet.toml")
    assert find(None, {**home, "EDGE_FLEET_CONFIG": "x.toml"}) == Path("x.toml")
    assert find(Path("y.toml"), {**home, "EDGE_FLEET_CONFIG": "x.toml"}) == Path("y.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('tenant = "acme"', "url: is required"),
        (FILE + "broker = 1", "broker: unknown key"),
        (FILE + 'password_file = "none"', "cannot be read"),
        (FILE + 'client_key = "fleet.toml"', "needs client_certificate, too"),
        (FILE + 'username = "ops"\npassword = "x"', "did you mean password_file"),
        ('url = "mqtt://mqtt.example.com"\ntenant = "acme"', "plain text to another machine"),
        ('url = "mqtts://ops:secret@mqtt.example.com"\ntenant = "acme"', "holds a user or a password"),
        ('url = "mqtts://x"\ntenant = "Acme GmbH"', "1 to 63 of a-z"),
        ("url = ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(Options(file), {})
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{file}:")
    assert "secret" not in str(caught.value)


def test_plain_text_knowingly(tmp_path: Path) -> None:
    file = written(tmp_path, 'url = "mqtt://mqtt.example.com"\ntenant = "acme"\n')
    assert load(Options(file, {"insecure": True}), {}).broker.tls is False
    assert load(Options(None, {"url": "mqtt://127.0.0.1:1", "tenant": "a"}), {"HOME": str(tmp_path)}).broker.port == 1


def test_options_are_named_as_they_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(Options(None, {"url": "http://x", "key_file": Path("none")}), {"HOME": "/nowhere"})
    lines = str(caught.value).splitlines()
    assert {line.partition(":")[0] for line in lines[:-1]} == {"--url", "--key", "--tenant"}
    assert "give --url and --tenant" in lines[-1]
