"""Templates ready to read: the shipped ones, and how settings become compiled patterns and words."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import re2

from edge_agent.receipts.template import TemplateSettings
from edge_agent.receipts.words import SLIP_GROUPS, Lexicon, quiet, table


@dataclass(frozen=True, slots=True)
class Template:
    """A template ready to read: its settings, its words and its compiled patterns."""

    settings: TemplateSettings
    match: Any | None
    fields: Mapping[str, Any]
    kinds: Mapping[str, tuple[Any, ...]]
    lines: Mapping[str, Any]

    @property
    def lexicon(self) -> Lexicon:
        """The words, learnt when a slip first asks: a language that none speaks costs no memory (1 to 2 MB each)."""
        return _lexicon(self.settings.words, *_own(self.settings))

    def lexicon_of(self, groups: tuple[str, ...]) -> Lexicon:
        """Return the words of other tables than an order's: of a register's report, of cash put in or taken out."""
        return _lexicon(self.settings.words, *_own(self.settings), groups)


Labels = tuple[tuple[str, str], ...]


def _own(settings: TemplateSettings) -> tuple[Labels, Labels]:
    return tuple(settings.tenders.items()), tuple((label, str(role)) for label, role in settings.money.items())


@cache
def _lexicon(
    languages: tuple[str, ...], tenders: Labels, money: Labels, groups: tuple[str, ...] = SLIP_GROUPS
) -> Lexicon:
    own: dict[str, dict[str, list[str]]] = {"charges": {}, "never": {"none": []}}
    for label, role in money:
        own["never" if role == "none" else "charges"].setdefault(role, []).append(label)
    return Lexicon([own, *(table(language) for language in languages)], dict(tenders), groups)


def compile(settings: TemplateSettings) -> Template:  # noqa: A001 - the field's word, as in re.compile
    """Make a template ready to read. Raises ValueError if one of its patterns cannot be used, and says which."""
    lines = {k: _compiled(v, f"lines.{k}") for k, v in settings.lines.model_dump(exclude_none=True).items()}
    for name, needed in (("item", "amount"), ("adjust", "amount")):
        if name in lines and needed not in lines[name].groupindex:
            raise ValueError(f"lines.{name}: needs a group (?P<{needed}>…)")
    found = {str(k): _compiled(v, f"fields.{k}") for k, v in settings.fields.items()}
    for name, pattern in found.items():
        if pattern.groups < 1:
            raise ValueError(f"fields.{name}: the value must be in a group (…)")
    return Template(
        settings,
        _compiled("(?m)" + "|".join(f"(?:{p})" for p in settings.match), "match") if settings.match else None,
        found,
        {str(k): tuple(_compiled(p, f"kind.{k}") for p in v) for k, v in settings.kind.items()},
        lines,
    )


def _compiled(pattern: str, where: str) -> Any:
    try:
        return re2.compile(pattern, quiet())
    except re2.error as error:
        raise ValueError(f"{where}: not an RE2 regular expression: {error}") from error


@cache
def shipped() -> dict[str, TemplateSettings]:
    """Return the templates that come with the agent, by name, in the order they are tried."""
    folder = files("edge_agent.receipts").joinpath("templates")
    found = [
        TemplateSettings.model_validate(tomllib.loads(entry.read_text(encoding="utf-8")))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return {s.name: s for s in sorted(found, key=lambda s: (-s.priority, s.name))}
