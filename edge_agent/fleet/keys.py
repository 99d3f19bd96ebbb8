"""The operator's key: made once, kept in a file of its own, signs what the boxes are to believe."""

import base64
import getpass
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.config.document import reason
from edge_agent.config.files import others_can_read, read_secret
from edge_agent.contract import envelope
from edge_agent.errors import ConfigError
from edge_agent.fleet.settings import FleetSettings
from edge_agent.fleet.terminal import note, out

ROLES = ("config", "command", "dataset", "update")

# RFC 7468, section 2: what stands before the BEGIN line is not part of the key.
_ID = re.compile(r"^# edge-fleet key ([a-z0-9][a-z0-9-]{0,62})$", re.MULTILINE)
_IDENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

# Returns the passphrase of an encrypted key; asked only for one.
AskPassphrase = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs. ``id``: what the key is called in the boxes' ``[trust]``."""

    id: str
    private: Ed25519PrivateKey

    def seal(self, payload: bytes) -> bytes:
        """Return the envelope of a payload, signed. Raises ConfigError where a box would refuse it as too large."""
        sealed = envelope.seal(payload, self.private, self.id)
        if len(sealed) > envelope.MAX_BYTES:
            raise ConfigError(f"{len(sealed)} bytes when signed; boxes take at most {envelope.MAX_BYTES}")
        return sealed


def generate(file: Path, key_id: str, passphrase: bytes | None) -> Signer:
    """Write a new key to ``file``, for this user alone. Raises ConfigError, also where the file is there already."""
    if not _IDENT.fullmatch(key_id):
        raise ConfigError(f"--id {key_id!r}: 1 to 63 of a-z, 0-9 and -, not beginning with -")
    private = Ed25519PrivateKey.generate()
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(f"# edge-fleet key {key_id}\n".encode() + pem)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise ConfigError(f"{file}: is there already and is never overwritten; name another with --out") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {reason(error)}") from None
    return Signer(key_id, private)


def make(file: Path, key_id: str, roles: Sequence[str], *, encrypt: bool, passphrase_file: Path | None) -> None:
    """Make a key and print the lines with which a box trusts it. Raises ConfigError; then nothing was written."""
    _check_roles(roles)
    passphrase = read_secret(passphrase_file) if passphrase_file else _new_passphrase() if encrypt else None
    signer = generate(file, key_id, passphrase)
    note(f"{file}: keep it as you keep the keys of the shops, and a copy elsewhere. For agent.toml of every box:")
    out.print(trust_row(signer, roles), soft_wrap=True)


def trust_row(signer: Signer, roles: Sequence[str]) -> str:
    """Return the lines with which a box trusts the key, for its agent.toml. Raises ConfigError on an unknown role."""
    _check_roles(roles)
    raw = signer.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    listed = ", ".join(f'"{role}"' for role in dict.fromkeys(roles))
    key = base64.b64encode(raw).decode()
    return f'[trust]\nkeys = [{{ id = "{signer.id}", key = "{key}", roles = [{listed}] }}]'


def load_key(file: Path, key_id: str | None = None, ask: AskPassphrase | None = None) -> Signer:
    """Return the key in a file. ``key_id``: what it is called, where not as it was made. Raises ConfigError."""
    data = read_secret(file)
    if others_can_read(file):
        raise ConfigError(f"{file}: every user of this machine can read it: chmod 600 it, and make a new key")
    found = _ID.search(data.decode("utf-8", "replace"))
    name = key_id or (found[1] if found else None)
    if name is None:
        raise ConfigError(f"{file}: does not say what the key is called: give --key-id, or key_id in fleet.toml")
    return Signer(name, _private(file, data, ask))


def _check_roles(roles: Sequence[str]) -> None:
    unknown = [role or "nothing" for role in roles if role not in ROLES]
    if unknown or not roles:
        raise ConfigError(f"--roles: {', '.join(unknown) or 'nothing'} (allowed: {', '.join(ROLES)})")


def _new_passphrase() -> bytes:
    if not sys.stdin.isatty():
        raise ConfigError("--encrypt asks for a passphrase at a terminal: give --passphrase-file instead")
    first, again = getpass.getpass("New passphrase: "), getpass.getpass("Once more: ")
    if not first or first != again:
        raise ConfigError("the passphrase is empty, or was not typed twice the same")
    return first.encode()


def _private(file: Path, data: bytes, ask: AskPassphrase | None) -> Ed25519PrivateKey:
    passphrase = ask() if ask and b"ENCRYPTED" in data else None
    try:
        private = serialization.load_pem_private_key(data, passphrase)
    except TypeError:
        raise ConfigError(f"{file}: is encrypted: give --passphrase-file, or type the passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        wrong = "the passphrase is wrong, or " if passphrase else ""
        raise ConfigError(
            f"{file}: {wrong}it is no private key (PEM, PKCS8); make one with edge-fleet keygen"
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"{file}: is not an Ed25519 key; make one with edge-fleet keygen")
    return private


def signer_of(settings: FleetSettings) -> Signer:
    """Return the operator's key as fleet.toml or the options name it; asks the terminal. Raises ConfigError."""
    if settings.key_file is None:
        raise ConfigError("this has to be signed: give --key FILE, or key_file in fleet.toml (edge-fleet keygen)")

    def ask() -> bytes:
        if settings.passphrase_file:
            return read_secret(settings.passphrase_file)
        if not sys.stdin.isatty():
            raise ConfigError(f"{settings.key_file}: is encrypted: give --passphrase-file")
        return getpass.getpass(f"Passphrase of {settings.key_file}: ").encode()

    return load_key(settings.key_file, settings.key_id, ask)
