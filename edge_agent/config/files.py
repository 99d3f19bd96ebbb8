"""Files a configuration names: relative to the file that names them, and secrets only ever in files of their own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from edge_agent.config.document import reason
from edge_agent.errors import ConfigError
from edge_agent.identities.enrolled import enrolled
from edge_agent.identities.sdm_keys import sdm_keys

# As validation context: the files lie on another machine; an operator checks a config that is meant for a box.
ELSEWHERE: Final = object()

# What the units call the credentials they load from a folder.
CREDENTIAL: Final = "edge-agent"

_Keys = TypeVar("_Keys")


def _resolve(value: object, info: ValidationInfo) -> object:
    """Take a path from the folder in the validation context (``Document.folder``)."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("must name a file")
    folder = info.context if isinstance(info.context, Path) else Path()
    return str(folder / value)


def _from_credentials(value: object, info: ValidationInfo) -> object:
    """Prefer a credential of a bare name to a file of that name beside the config.

    systemd.exec(5): ``LoadCredential=ID:FILE`` makes it ``ID`` in ``$CREDENTIALS_DIRECTORY``; of a folder it makes each
    file ``ID_NAME``. Commands that root runs by hand have no credentials and look where systemd takes them from.
    """
    if not isinstance(value, str) or not value or "/" in value or "\0" in value:
        return value
    if given := os.environ.get("CREDENTIALS_DIRECTORY"):
        candidates = [os.path.join(given, value), os.path.join(given, f"{CREDENTIAL}_{value}")]  # noqa: PTH118  as below
    else:
        folder = info.context if isinstance(info.context, Path) else Path()
        candidates = [str(folder / "credentials" / value)]
    for candidate in candidates:
        if os.path.isfile(candidate):  # noqa: PTH113  os.path swallows what Path.is_file raises
            return candidate
    return value


def _is_elsewhere(info: ValidationInfo) -> bool:
    return info.context is ELSEWHERE


def _readable(path: Path, info: ValidationInfo) -> Path:
    if _is_elsewhere(info):
        return path
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise ValueError(f"cannot be read: {path}: {reason(error)}; {_remedy(error)}") from None
    return path


def _not_empty(path: Path, info: ValidationInfo) -> Path:
    _readable(path, info)
    if not _is_elsewhere(info) and not read_secret(path):
        raise ValueError(f"is empty: {path}; write the secret into it")
    return path


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "let the agent's user read it"
    if isinstance(error, FileNotFoundError):
        return "make the file or correct the name"
    return "name a regular file"


FilePath = Annotated[Path, BeforeValidator(_resolve, json_schema_input_type=str)]
ReadableFile = Annotated[
    FilePath, BeforeValidator(_from_credentials, json_schema_input_type=str), AfterValidator(_readable)
]
SecretFile = Annotated[
    FilePath, BeforeValidator(_from_credentials, json_schema_input_type=str), AfterValidator(_not_empty)
]


def read_secret(path: Path) -> bytes:
    """Return what is in a secret's file; one line end at its end is the editor's, not the secret's.

    Raises ConfigError when the file has become unreadable since the configuration was loaded.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {reason(error)}; {_remedy(error)}") from None
    return data.removesuffix(b"\n").removesuffix(b"\r")


def read_keys(path: Path, parse: Callable[[str], _Keys]) -> _Keys:
    """Return what a file of keys says. Raises ConfigError as ``read_secret`` does, and with what ``parse`` objects to.

    ``parse`` raises ValueError and repeats no key.
    """
    try:
        return parse(read_secret(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _sdm_keys(path: Path, info: ValidationInfo) -> Path:
    return _usable(path, sdm_keys, info)


def _carriers(path: Path, info: ValidationInfo) -> Path:
    return _usable(path, enrolled, info)


def _usable(path: Path, parse: Callable[[str], object], info: ValidationInfo) -> Path:
    if _is_elsewhere(info):
        return path
    try:
        read_keys(path, parse)
    except ConfigError as error:
        raise ValueError(f"cannot be used: {error}") from None
    return path


SdmKeysFile = Annotated[SecretFile, AfterValidator(_sdm_keys)]
CarriersFile = Annotated[SecretFile, AfterValidator(_carriers)]


def others_can_read(path: Path) -> bool:
    """Tell whether every user of the machine may read the file."""
    try:
        return bool(path.stat().st_mode & 0o004)
    except OSError:
        return False
