"""Files that hold keys: TOML, checked strictly, and never a key in a message."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidationError

from edge_agent.fields import Settings

MOST_TOLD = 20  # more is another kind of file
_Table = TypeVar("_Table", bound=Settings)


def load(text: str, table: type[_Table], *inner: type[Settings]) -> _Table:
    """Return what a keys file says. ``inner``: the tables within ``table``, for suggestions.

    Raises ValueError with one line that names every key at fault and repeats no value.
    """
    try:
        return table.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^()]*\)$", str(error))  # the rest of its message may quote the file
        message = f"is not TOML {place[0] if place else ''}".rstrip()
    except ValidationError as error:
        known = [*_names(table), *(name for within in inner for name in _names(within))]
        message = in_one_line(_lines(error, known))
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


def in_one_line(problems: Iterable[str]) -> str:
    """Return all that is wrong with a file: an installer mends it in one go."""
    found = list(problems)
    more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return "; ".join(found[:MOST_TOLD]) + more


def _lines(error: ValidationError, known: list[str]) -> Iterator[str]:
    meant: set[tuple[int | str, ...]] = set()  # a misspelt key is missing as well: that is said once
    errors = error.errors(include_url=False, include_input=False)
    for each in sorted(errors, key=lambda one: one["type"] != "extra_forbidden"):
        loc = each["loc"]
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")
        if each["type"] == "extra_forbidden":
            alike = difflib.get_close_matches(str(loc[-1]), known, n=1)
            meant.update((*loc[:-1], name) for name in alike)
            yield f"{path}: there is no such key" + (f" (did you mean {alike[0]})" if alike else "")
        elif each["type"] != "missing":
            yield f"{path}: {each['msg'].removeprefix('Value error, ')}"
        elif loc not in meant:
            yield f"{path}: is missing"
