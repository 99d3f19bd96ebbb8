"""The page's words: one data file a language."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Words:
    """The texts of one language. Keys are dotted paths of the file's tables: ``device.state.up``."""

    language: Language

    def say(self, key: str, /, **values: object) -> str:
        """Return a text with its ``{names}`` filled in. Raises KeyError for an unknown key.

        ``count`` picks ``key.one`` over ``key.other`` where the language tells them apart.
        """
        raise NotImplementedError

    def table(self, key: str) -> Mapping[str, str]:
        """Return the texts below a key, by the rest of their keys."""
        raise NotImplementedError


def words(language: str) -> Words:
    """Return the texts of a language; each file is read once. Raises KeyError for an unknown language."""
    raise NotImplementedError


def preferred(accept_language: str, default: str) -> str:
    """Return the language of ours that an Accept-Language header (RFC 9110, 12.5.4) likes best, else the default."""
    raise NotImplementedError
