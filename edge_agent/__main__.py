"""edge-agent: the commands. Each is thin; what it does lives in the room it names, imported when it is called."""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.errors import AgentError, ConfigError, StorageError, cause_of

DEFAULT_CONFIG = Path("/etc/edge-agent/agent.toml")

READ_BYTES = 64 * 1024

EXIT_PROBLEM = 1
EXIT_CONFIG = 2
EXIT_STORAGE = 3
EXIT_NOT_RUNNING = 4

_NOT_RUNNING = "not running (or not reachable by this user: its socket belongs to the daemon's user)"

cli = typer.Typer(
    name="edge-agent",
    help="The in-store edge agent: registers in, orders confirmed by head office out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# ``readable=False``: whether it can be read is found out, and told, where it is read.
ConfigOption = Annotated[Path, typer.Option("--config", help="agent.toml of this box.", readable=False)]


def _version(wanted: bool) -> None:
    if wanted:
        from edge_agent import __version__

        typer.echo(f"edge-agent {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Hold what stands before a command."""


@cli.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the daemon in the foreground until SIGTERM or Ctrl-C."""
    import asyncio
    import faulthandler

    _import_structlog_alone()
    from edge_agent import log
    from edge_agent.app import run as run_agent
    from edge_agent.config.pushed import load_in_force
    from edge_agent.private import keep_files_private, keep_memory_private

    if log_level not in log.LEVELS:
        raise ConfigError(f"unknown log level {log_level!r} (allowed: {', '.join(log.LEVELS)})")
    faulthandler.enable()
    keep_files_private()
    keep_memory_private()
    log.set_up(log_level)
    asyncio.run(run_agent(load_in_force(config)))


@cli.command()
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check both configuration files and print every error with its file and line."""
    from edge_agent.config import load
    from edge_agent.config.pushed import load_as_seen

    loaded = load(config)
    typer.echo(f"{loaded.agent_file}: ok")
    typer.echo(f"{loaded.store_file}: ok ({len(loaded.store.devices)} devices)")
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    seen = load_as_seen(config)
    if seen.fallback:
        typer.echo(f"warning: {seen.fallback}")
    if seen.version:
        typer.echo(
            f"in force: version {seen.version}, pushed by head office ({len(seen.store.devices)} devices); "
            f"not {seen.store_file}"
        )


@cli.command()
def decode(
    decoder: Annotated[str, typer.Argument(help="escpos, lines …")],
    file: Annotated[Path, typer.Argument(help="Captured bytes; - reads stdin.", readable=False)],
    config: Annotated[
        Path | None, typer.Option("--config", help="agent.toml whose store config to use.", readable=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="Use this device's settings.")] = None,
    template: Annotated[str | None, typer.Option(help="Try this receipt template only.")] = None,
    orders: Annotated[bool, typer.Option("--orders", help="Print orders instead of observations.")] = False,
) -> None:
    """Turn captured bytes into observations or orders, one JSON object a line. Personal data is redacted."""
    from edge_agent.commands.decode import decode_bytes

    count = 0
    for line in decode_bytes(decoder, _pieces(file), config=config, device=device, template=template, orders=orders):
        count += line.decoded
        typer.echo(line.text, err=orders and not line.decoded)
    if count == 0:
        typer.echo("nothing was decoded: wrong decoder, or no complete slip in the file?", err=True)
        raise typer.Exit(EXIT_PROBLEM)


def _pieces(file: Path) -> Iterator[bytes]:
    """Yield a file's bytes, or those of stdin for ``-``. Raises ConfigError."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            while piece := stream.read(READ_BYTES):
                yield piece
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        raise ConfigError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


@cli.command()
def teach(
    captures: Annotated[
        list[Path],
        typer.Argument(help="Slips of one layout: captures (.zst), text (.txt) or raw bytes.", readable=False),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write the template here.", readable=False)] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="agent.toml whose store config to use.", readable=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="Use this device's decoder, encoding and templates.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the template.")] = None,
    currency: Annotated[str | None, typer.Option(help="The store's, else CNY.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="LABEL=ROLE: what you know of a label; again for each.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Propose also where all is read already.")] = False,
) -> None:
    """Propose a receipt template from a few captures, proved by their own sums. Personal data is redacted."""
    from edge_agent.commands.teach import name_for, teach_from

    lesson = teach_from(
        captures,
        config=config,
        device=device,
        name=name or name_for(out),
        currency=currency,
        labels=label or (),
        force=force,
    )
    for row in lesson.report:
        typer.echo(row, err=out is None or lesson.toml is None)
    if lesson.toml is not None:
        _write(out, lesson.toml)
    elif not lesson.known_by:
        raise typer.Exit(EXIT_PROBLEM)


def _write(out: Path | None, text: str) -> None:
    """Write a file, or to stdout where none is named. Raises ConfigError."""
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{out}: {getattr(error, 'strerror', None) or error}") from error


@cli.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole status document.")] = False,
) -> None:
    """Ask the running daemon how things are."""
    from edge_agent.commands.status import ask, render, users_language
    from edge_agent.config import load

    language = users_language(os.environ)
    document = ask(load(config), language)
    if document is None:
        typer.echo(_NOT_RUNNING, err=True)
        raise typer.Exit(EXIT_NOT_RUNNING)
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else render(document, language))
    raise typer.Exit(0 if document["level"] == "ok" else EXIT_PROBLEM)


@cli.command()
def pair(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print a one-time code, with which the store's manager sets their own code on the page."""
    from edge_agent.commands.pair import pair, render
    from edge_agent.commands.status import users_language
    from edge_agent.config import load

    pairing = pair(load(config))
    if pairing is None:
        typer.echo(_NOT_RUNNING, err=True)
        raise typer.Exit(EXIT_NOT_RUNNING)
    typer.echo(render(pairing, users_language(os.environ)))


@cli.command()
def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check ports, permissions, broker, clock and disk; one line each with what to do."""
    from edge_agent.commands.doctor import findings
    from edge_agent.commands.service_user import become_service_user
    from edge_agent.config.pushed import load_as_seen

    good = True
    user = become_service_user(config)
    seen = load_as_seen(config)
    typer.echo(f"ok   user: {user}")
    for finding in findings(seen):
        good = good and finding.ok
        typer.echo(str(finding))
    if not good:
        raise typer.Exit(EXIT_PROBLEM)


@cli.command()
def devices() -> None:
    """List ports, readers and adapters by stable name, each with the table that configures it. Probes nothing."""
    from edge_agent.commands.devices import found

    count = 0
    for count, thing in enumerate(found(), 1):  # noqa: B007 - counted
        typer.echo(thing)
    if count == 0:
        typer.echo("no serial port, reader or Bluetooth adapter is plugged into this box", err=True)


@cli.command()
def diagnostics(
    out: Annotated[Path, typer.Argument(help="Where to write the bundle: NAME.tar.gz.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a redacted bundle for support: configuration, status, log, the newest captures. No keys, no passwords."""
    from edge_agent.commands.diagnostics import write_bundle
    from edge_agent.config.pushed import load_as_seen

    for name in write_bundle(load_as_seen(config), out):
        typer.echo(name)


@cli.command()
def relay(
    device: Annotated[str, typer.Argument(help="The device's id.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Pass a register's bytes on to its printer, in a process of its own, until SIGTERM."""
    from edge_agent.commands.relay import become_relay

    become_relay(config, device)


@cli.command()
def selftest() -> None:
    """Run every decoder's vectors and every receipt template's own samples."""
    from edge_agent import decoders, receipts

    problems: list[str] = []
    for name in decoders.names():
        found = decoders.check_vectors(name)
        problems += found
        typer.echo(f"decoder {name}: {'ok' if not found else f'{len(found)} problems'}")
    for name, settings in receipts.shipped().items():
        found = receipts.check_samples(receipts.compile(settings))
        problems += found
        typer.echo(f"template {name}: {'ok' if not found else f'{len(found)} problems'}")
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(EXIT_PROBLEM)


@cli.command()
def schema(
    what: Annotated[str, typer.Argument(help="config, events, datasets or asyncapi.")],
) -> None:
    """Print the JSON Schemas or the AsyncAPI document."""
    from edge_agent import config
    from edge_agent.contract import asyncapi, schemas

    documents = {
        "config": config.schema,
        "events": lambda: {**schemas.event_schemas(), "envelope": schemas.envelope_schema()},
        "datasets": schemas.dataset_schemas,
        "asyncapi": asyncapi.document,
    }
    if what not in documents:
        raise ConfigError(f"unknown schema {what!r} (allowed: {', '.join(documents)})")
    typer.echo(json.dumps(documents[what](), ensure_ascii=False, indent=2))


@cli.command()
def demo(
    seconds: Annotated[int | None, typer.Option(help="End by itself after so many seconds.", min=1)] = None,
) -> None:
    """Run a whole virtual store: a register, a broker, head office and the real agent between them."""
    from edge_agent.simulator.demo import run_demo

    raise typer.Exit(run_demo(seconds))


def _import_structlog_alone() -> None:
    """Import structlog as if there were no rich, which it takes for tracebacks in colour: 4 MB that no daemon needs."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # the import system's word for: there is none
    try:
        import structlog  # noqa: F401 - to have it loaded
    finally:
        del sys.modules["rich"]


def _hold_standard_streams() -> None:
    """Open what the caller has closed to nothing: else the database gets descriptor 2, and the log goes into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free (open(2)): this one
            setattr(sys, name, os.fdopen(descriptor, "r" if number == 0 else "w", encoding="utf-8"))


def main() -> None:
    """Run the command line; the agent's own errors become one clear message and their exit status."""
    _hold_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # JSON is UTF-8, and a file's name may be anything
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    error: BaseException | None = None
    try:
        cli(prog_name="edge-agent")
    except* AgentError as group:
        error = cause_of(group)
    # Not in the clause above: what leaves `except*` of a group is a group again, and SystemExit in one is a traceback.
    if error is not None:
        typer.echo(str(error), err=True)
        sys.exit(_exit_status(error))


def _exit_status(error: BaseException) -> int:
    match error:
        case ConfigError():
            return EXIT_CONFIG
        case StorageError():
            return EXIT_STORAGE
        case _:
            return EXIT_PROBLEM


if __name__ == "__main__":
    main()
