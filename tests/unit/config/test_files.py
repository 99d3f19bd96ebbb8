"""Secrets come from files of their own and never show."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from edge_agent.config.files import SecretFile, read_secret
from edge_agent.config.shop import shop_settings
from edge_agent.errors import ConfigError
from tests.unit.config.conftest import AGENT, STORE, Files

WITH_PASSWORD = AGENT + 'username = "sh-0001"\npassword_file = "password"\n'


def write_secret(file: Path, data: bytes = b"hunter2\n") -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("data", "secret"),
    [(b"hunter2", b"hunter2"), (b"hunter2\n", b"hunter2"), (b"hunter2\r\n", b"hunter2"), (b" h 2 \n\n", b" h 2 \n")],
)
def test_a_password_is_its_file_without_the_line_end(files: Files, data: bytes, secret: bytes) -> None:
    write_secret(files.folder / "password", data)
    files.write(agent=WITH_PASSWORD)

    assert files.load().agent.mqtt.password() == secret


def test_a_secret_does_not_show(files: Files) -> None:
    write_secret(files.folder / "password")
    files.write(agent=WITH_PASSWORD)

    config = files.load()

    assert "hunter2" not in f"{config!r} {config} {config.agent.mqtt.model_dump()}"


def test_a_password_may_change_while_the_agent_runs(files: Files) -> None:
    file = write_secret(files.folder / "password")
    files.write(agent=WITH_PASSWORD)
    mqtt = files.load().agent.mqtt

    write_secret(file, b"correct horse")
    assert mqtt.password() == b"correct horse"

    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory; make the file"):
        mqtt.password()


def test_a_bare_name_is_a_credential_first(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    write_secret(files.folder / "password", b"beside the file")
    write_secret(files.folder / "credentials" / "password", b"credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(files.folder / "credentials"))
    files.write(agent=WITH_PASSWORD)
    assert files.load().agent.mqtt.password() == b"credential"

    files.write(agent=WITH_PASSWORD.replace('"password"', '"./password"'))
    assert files.load().agent.mqtt.password() == b"beside the file"

    (files.folder / "credentials" / "password").unlink()
    files.write(agent=WITH_PASSWORD)
    assert files.load().agent.mqtt.password() == b"beside the file"


def test_a_credential_from_a_folder_is_found_by_the_name_of_its_file(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd.exec(5): a file of a folder becomes ID_NAME, ID being what the units say."""
    write_secret(files.folder / "password", b"beside the file")
    write_secret(files.folder / "run" / "edge-agent_password", b"from the folder")
    files.write(agent=WITH_PASSWORD)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(files.folder / "run"))
    assert files.load().agent.mqtt.password() == b"from the folder"

    for unit in (Path(__file__).parents[3] / "systemd").glob("*.service"):
        assert "\nLoadCredential=edge-agent:/etc/edge-agent/credentials\n" in unit.read_text("utf-8")


def test_without_systemd_the_folder_of_credentials_is_looked_into_itself(files: Files) -> None:
    write_secret(files.folder / "password", b"beside the file")
    write_secret(files.folder / "credentials" / "password", b"in the folder")
    files.write(agent=WITH_PASSWORD)
    assert files.load().agent.mqtt.password() == b"in the folder"


def test_a_secret_that_is_not_there(files: Files) -> None:
    files.write(agent=WITH_PASSWORD, store=STORE + '[privacy]\nhash_key_file = "tenant-hash.key"\n')

    assert files.problems() == [
        (
            f"agent.toml:10: mqtt.password_file: cannot be read: {files.folder}/password: No such file or directory; "
            "make the file or correct the name"
        ),
        (
            f"store.toml:20: privacy.hash_key_file: cannot be read: {files.folder}/tenant-hash.key: "
            "No such file or directory; make the file or correct the name"
        ),
    ]


def test_a_secret_that_is_empty_or_no_file(files: Files) -> None:
    write_secret(files.folder / "password", b"\n")
    (files.folder / "folder").mkdir()
    files.write(agent=WITH_PASSWORD + 'ca_file = "folder"\nclient_certificate = ""\n')

    assert files.problems() == [
        f"agent.toml:10: mqtt.password_file: is empty: {files.folder}/password; write the secret into it",
        f"agent.toml:11: mqtt.ca_file: cannot be read: {files.folder}/folder: Is a directory; name a regular file",
        "agent.toml:12: mqtt.client_certificate: must name a file",
        "agent.toml:12: mqtt.client_certificate: needs client_key, too",
    ]


@pytest.mark.parametrize(("given", "missing"), [("certificate", "key"), ("key", "certificate")])
def test_a_page_with_half_of_what_https_needs(files: Files, given: str, missing: str) -> None:
    write_secret(files.folder / "page.pem")
    files.write(agent=AGENT + f'[page]\n{given} = "page.pem"\n')

    (problem,) = files.problems()
    assert problem.endswith(f"page.{given}: needs {missing}, too")


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up root's right to read everything, where the tests have it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_secret_that_the_user_must_not_read(files: Files) -> None:
    file = write_secret(files.folder / "password")
    file.chmod(0o000)

    with ordinary_user(), pytest.raises(ValidationError, match="Permission denied; let the agent's user read it"):
        TypeAdapter(SecretFile).validate_python(str(file))


def test_a_secret_that_everybody_can_read_is_a_warning(files: Files) -> None:
    write_secret(files.folder / "password").chmod(0o644)
    (files.folder / "hash.key").write_bytes(bytes(32))
    (files.folder / "hash.key").chmod(0o640)
    files.write(agent=WITH_PASSWORD, store=STORE + '[privacy]\nhash_key_file = "hash.key"\n')

    (warning,) = files.load().warnings

    assert str(warning).removeprefix(f"{files.folder}/") == (
        f"agent.toml:10: mqtt.password_file: every user of this machine can read {files.folder}/password: chmod 640 it"
    )


READER = '[[device]]\nid = "nfc"\nkind = "nfc"\ntouchpoint = "till-1"\npath = "nfc:pn532"\nsdm_keys_file = "sdm.toml"\n'


def test_a_key_that_anybody_can_guess_is_a_warning(files: Files) -> None:
    for name, secret in (("hash.key", "x"), ("sdm.toml", f'meta = "{"0" * 32}"\nfile = "{"1" * 32}"\n')):
        (files.folder / name).write_text(secret)
        (files.folder / name).chmod(0o600)
    files.write(store=STORE + READER + '[privacy]\nhash_key_file = "hash.key"\n')

    hashes, tags = sorted(map(str, files.load().warnings), key=lambda warning: "sdm" in warning)

    assert "privacy.hash_key_file: has 1 bytes" in hashes
    assert "device[1].sdm_keys_file: holds a key of zeros" in tags


def test_keys_that_became_unusable_since_the_check_are_a_config_error(files: Files) -> None:
    keys = write_secret(files.folder / "sdm.toml", f'meta = "{"2" * 32}"\nfile = "{"1" * 32}"\n'.encode())
    files.write(store=STORE + READER)
    config = files.load()
    for spoilt in (b"meta = 1", b"\xff", b""):
        keys.write_bytes(spoilt)
        with pytest.raises(ConfigError, match=re.escape(str(keys))):
            shop_settings(config)


def test_reading_a_folder_as_a_secret_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_secret(tmp_path)
