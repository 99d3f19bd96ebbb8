"""The page's words: one data file a language."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

T = TypeVar("T")

_TEXTS = Path(__file__).parent / "texts"
_MAX_RANGES = 20  # of an Accept-Language header: a browser names a handful


class Words:
    """The texts of one language. Keys are dotted paths of the file's tables: ``device.state.up``."""

    def __init__(self, language: Language, tables: Mapping[str, Any]) -> None:
        """``tables``: of texts, lists of names and further tables, as the language's file has them."""
        self.language = language
        self._texts: dict[str, str] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        for key, value in _flat(tables):
            if isinstance(value, str):
                self._texts[key] = value
            else:
                self._lists[key] = tuple(value)

    def say(self, key: str, /, **values: object) -> str:
        """Return a text with its ``{names}`` filled in. Raises KeyError for an unknown key or a name left out.

        ``count`` picks ``key.one`` over ``key.other`` where the language tells them apart.
        """
        text = self._texts.get(key)
        if text is None:
            if "count" not in values:
                raise KeyError(key)
            text = self._texts[f"{key}.one" if values["count"] == 1 else f"{key}.other"]
        return text.format_map(values)

    def table(self, key: str) -> Mapping[str, str]:
        """Return the texts below a key, by the rest of their keys. Raises KeyError where there are none."""
        return _below(f"{key}.", self._texts)

    def lists(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """Return the lists of names below a key, by the rest of their keys. Raises KeyError where there are none."""
        return _below(f"{key}.", self._lists)


@cache
def words(language: str) -> Words:
    """Return the texts of a language; each file is read once. Raises KeyError for an unknown language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return Words(language, tomllib.loads((_TEXTS / f"{language}.toml").read_text("utf-8")))


def preferred(accept_language: str, default: str) -> str:
    """Return the language of ours that an Accept-Language header (RFC 9110, 12.5.4) likes best, else the default."""
    best, best_weight = default, 0.0
    for item in accept_language.split(",", _MAX_RANGES)[:_MAX_RANGES]:
        spoken, _, parameter = item.partition(";")
        language = spoken.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    """Return the weight of ``q=0.8`` (RFC 9110, 12.4.2); 0 for what is no weight."""
    name, _, value = parameter.partition("=")
    if not parameter.strip():
        return 1.0
    try:
        weight = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _below(prefix: str, values: Mapping[str, T]) -> Mapping[str, T]:
    found = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    if not found:
        raise KeyError(prefix)
    return MappingProxyType(found)
