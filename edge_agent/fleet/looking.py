"""`status`, `show`, `validate`: nothing here changes anything anywhere."""

from datetime import UTC, datetime
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.config import document as documents
from edge_agent.config.problems import InvalidConfigError
from edge_agent.config.pushed import check_document
from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet import agents, details, settings, store_file, tables
from edge_agent.fleet.broker import connected
from edge_agent.fleet.rows import Only, row, rows
from edge_agent.fleet.settings import Options
from edge_agent.fleet.terminal import language, line, note, print_json

LEVELS = ("ok", "attention", "action", "unknown")
STATES = ("online", "stopping", "lost", "unknown")


def status(options: Options, stores: str, wanted: Only, *, as_json: bool) -> bool:
    """Print a row for each agent that is meant; return whether all of them are well. Raises ConfigError, FleetError."""
    patterns = agents.patterns(stores)
    with connected(settings.load(options)) as broker:
        found = agents.chosen(agents.gather(broker, patterns), patterns)
    shown = [one for one in rows(found, language()) if wanted.takes(one)]
    if as_json:
        print_json([one.document() for one in shown])
    elif found:
        tables.show(shown)
    else:
        note("no store has ever been heard of: is the tenant right, and may your account read?")
    return not any(one.is_problem for one in shown)


def only(levels: str, states: str, versions: str) -> Only:
    """Return which rows are wanted, each by words joined by commas; empty: all. Raises ConfigError."""
    return Only(_known("--level", levels, LEVELS), _words(versions), _known("--state", states, STATES))


def show(options: Options, store: str, *, as_json: bool) -> bool:
    """Print everything about a store's agents; return whether all is well. Raises ConfigError, FleetError."""
    with connected(settings.load(options)) as broker:
        found = agents.chosen(agents.gather(broker, [store], pushed=True), [store])
    now = datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC)
    for agent in found:
        if as_json:
            print_json(details.document(agent))
        else:
            for text in details.describe(agent, now, language()):
                line(text)
    return not any(row(agent, language()).is_problem for agent in found)


def validate(file: Path, values: Path | None) -> None:
    """Check a store config, filled in for every store of ``values``. Raises ConfigError with all that is wrong."""
    if values is None:
        found = documents.read(file)
        problems = check_document(documents.Document(found.file, None, found.data, found.table, found.lines))
        if problems:
            raise InvalidConfigError(problems)
        devices = len(found.table.get("device", []))
        line(f"{file}: ok ({devices} {'device' if devices == 1 else 'devices'})")
        return
    source = store_file.load(file, values)
    if not source.values:
        raise ConfigError(f"{values}: names no store")
    filled = store_file.filled(source, [Topics("tenant", store, "agent") for store in source.values])
    line(f"{file}: ok for {len(filled)} stores")


def _known(option: str, text: str, allowed: tuple[str, ...]) -> frozenset[str]:
    """A word that nothing can match would hide every store, and be taken for "all is well"."""
    words = _words(text)
    if wrong := sorted(words - set(allowed)):
        raise ConfigError(f"{option}: {', '.join(wrong)} (allowed: {', '.join(allowed)})")
    return words


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())
