"""Files that hold keys: TOML, checked strictly, and never a key in a message."""

import difflib
import re
import tomllib
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidationError

from edge_agent.fields import Settings

_Table = TypeVar("_Table", bound=Settings)


def load(text: str, table: type[_Table], *inner: type[Settings]) -> _Table:
    """Return what a keys file says. ``inner``: the tables within ``table``, for suggestions.

    Raises ValueError with one line that names the first key at fault and repeats no value.
    """
    try:
        return table.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^()]*\)$", str(error))  # the rest of its message may quote the file
        message = f"is not TOML {place[0] if place else ''}".rstrip()
    except ValidationError as error:
        known = [*_names(table), *(name for within in inner for name in _names(within))]
        message = _line(error, known)
    raise ValueError(message)


def secret(exactly: int = 0, *, at_least: int = 0) -> Callable[[object], object]:
    """Return a validator of secrets in hex: so many bytes, or at least so many (and at most 64)."""
    wanted = f"{2 * exactly} hex digits" if exactly else f"hex digits, {2 * at_least} to 128 of them"

    def checked(value: object) -> object:
        if not isinstance(value, str) or re.fullmatch("(?:[0-9A-Fa-f]{2}){1,64}", value) is None:
            raise ValueError(f"must be {wanted}")
        octets = bytes.fromhex(value)
        if len(octets) != exactly if exactly else len(octets) < at_least:
            raise ValueError(f"must be {wanted}")
        return octets

    return checked


AesKey = Annotated[bytes, BeforeValidator(secret(16))]
HmacKey = Annotated[bytes, BeforeValidator(secret(at_least=16))]


def _names(table: type[Settings]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _line(error: ValidationError, known: list[str]) -> str:
    errors = error.errors(include_url=False, include_input=False)
    first = min(errors, key=lambda each: each["type"] != "extra_forbidden")  # a misspelt key is missing as well
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).removeprefix(".")
    if first["type"] == "missing":
        return f"{path}: is missing"
    if first["type"] == "extra_forbidden":
        alike = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        return f"{path}: there is no such key" + (f" (did you mean {alike[0]})" if alike else "")
    return f"{path}: {first['msg'].removeprefix('Value error, ')}"
