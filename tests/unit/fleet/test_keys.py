import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.config.agent import TrustSettings
from edge_agent.contract.envelope import Refused, unseal
from edge_agent.errors import ConfigError
from edge_agent.fleet.keys import generate, load_key, make, trust_row
from edge_agent.remote.remote import trusted


def test_what_it_signs_is_believed_by_whoever_pastes_the_row(tmp_path: Path) -> None:
    made = generate(tmp_path / "ops-2.key", "ops-2", None)
    row = trust_row(made, ["config", "command"])
    keys = trusted(TrustSettings.model_validate(tomllib.loads(row)["trust"]))
    signer = load_key(tmp_path / "ops-2.key")
    signed = unseal(signer.seal(b"{}"), keys)
    assert (signed.payload, signed.key.id, signed.key.roles) == (b"{}", "ops-2", frozenset({"config", "command"}))
    with pytest.raises(Refused, match="bad_signature"):
        unseal(generate(tmp_path / "other.key", "ops-2", None).seal(b"{}"), keys)


def test_the_file_is_for_its_owner_and_for_other_programs(tmp_path: Path) -> None:
    file = tmp_path / "ops-1.key"
    generate(file, "ops-1", None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read = subprocess.run(["openssl", "pkey", "-in", str(file), "-noout", "-text"], capture_output=True, check=True)
    assert b"ED25519" in read.stdout


def test_it_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "ops-1.key"
    generate(file, "ops-1", None)
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        generate(file, "ops-1", None)
    assert file.read_bytes() == before


def test_wrong_roles_write_nothing(tmp_path: Path) -> None:
    for roles in (["confg"], [""], []):
        with pytest.raises(ConfigError, match=re.escape("(allowed: config, command, dataset, update)")):
            make(tmp_path / "a.key", "a", roles, encrypt=False, passphrase_file=None)
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_protects_it(tmp_path: Path) -> None:
    file = tmp_path / "ops-1.key"
    made = generate(file, "ops-1", b"secret")
    loaded = load_key(file, None, lambda: b"secret")
    assert loaded.private.public_key().public_bytes_raw() == made.private.public_key().public_bytes_raw()
    with pytest.raises(ConfigError, match="the passphrase is wrong"):
        load_key(file, None, lambda: b"guess")
    with pytest.raises(ConfigError, match="is encrypted"):
        load_key(file)


def test_keys_of_others(tmp_path: Path) -> None:
    file = tmp_path / "some.key"
    for body, message in (
        (b"", "does not say what the key is called"),
        (b"# edge-fleet key ops-1\nnonsense", "is no private key"),
        (b"# edge-fleet key ops-1\n" + _elliptic(), "is not an Ed25519 key"),
    ):
        file.write_bytes(body)
        file.chmod(0o600)
        with pytest.raises(ConfigError, match=message):
            load_key(file)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="every user of this machine can read it"):
        load_key(file)


def test_what_no_box_would_take_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="boxes take at most"):
        generate(tmp_path / "a.key", "a", None).seal(bytes(1024 * 1024))


def _elliptic() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
