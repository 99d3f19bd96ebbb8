"""edge-fleet: the commands. Each is thin; what it does lives in the room it names, imported when it is called."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.errors import AgentError, ConfigError
from edge_agent.fleet import changing
from edge_agent.fleet.errors import FleetError
from edge_agent.fleet.settings import Options

EXIT_PROBLEM = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell says it

cli = typer.Typer(
    name="edge-fleet",
    help="One terminal for the edge agents of thousands of stores. It speaks to the broker only.",
    epilog="Exit status: 0 all is well; 1 a store is not, or a command failed; 2 wrong usage, or no broker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_FILES = "What fleet.toml would say"


def _version(wanted: bool) -> None:
    if wanted:
        from edge_agent import __version__

        typer.echo(f"edge-fleet {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="fleet.toml; else $EDGE_FLEET_CONFIG, ./ or ~/.config/edge-fleet/.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", "--broker", help="mqtts://HOST or mqtts://HOST:PORT.", rich_help_panel=_FILES),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="The chain whose stores are meant.", rich_help_panel=_FILES)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Your key, of keygen.", rich_help_panel=_FILES)] = None,
    key_id: Annotated[
        str | None, typer.Option(help="What the boxes call it, if not as it says itself.", rich_help_panel=_FILES)
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="The passphrase of an encrypted key.", rich_help_panel=_FILES)
    ] = None,
    username: Annotated[str | None, typer.Option(help="Your account at the broker.", rich_help_panel=_FILES)] = None,
    password_file: Annotated[Path | None, typer.Option(help="Its password.", rich_help_panel=_FILES)] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Who vouches for the broker; else the system's.", rich_help_panel=_FILES)
    ] = None,
    client_certificate: Annotated[Path | None, typer.Option(help="PEM.", rich_help_panel=_FILES)] = None,
    client_key: Annotated[Path | None, typer.Option(help="PEM.", rich_help_panel=_FILES)] = None,
    insecure: Annotated[
        bool | None,
        typer.Option("--insecure", help="Plain text to another machine, knowingly.", rich_help_panel=_FILES),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback has printed it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Hold what stands before a command."""
    files = {
        "key_file": key,
        "passphrase_file": passphrase_file,
        "password_file": password_file,
        "ca_file": ca_file,
        "client_certificate": client_certificate,
        "client_key": client_key,
    }
    words = {"url": url, "tenant": tenant, "key_id": key_id, "username": username, "insecure": insecure}
    context.obj = Options(config, {**words, **files})


@cli.command()
def keygen(
    out: Annotated[Path | None, typer.Option(help="Where to write it; never overwritten. By default ID.key.")] = None,
    key_id: Annotated[str, typer.Option("--id", help="What the boxes will call it.")] = "ops-1",
    roles: Annotated[
        str, typer.Option(help="What it may sign: config, command, dataset, update; joined by commas.")
    ] = "config,command,dataset",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a passphrase that protects it.")] = False,
    passphrase_file: Annotated[Path | None, typer.Option(help="Take the passphrase from there.")] = None,
) -> None:
    """Make an operator's key, and print the lines of agent.toml with which a box trusts it."""
    from edge_agent.fleet import keys

    keys.make(out or Path(f"{key_id}.key"), key_id, roles.split(","), encrypt=encrypt, passphrase_file=passphrase_file)


Store = Annotated[str, typer.Argument(metavar="STORE", help="Or STORE/AGENT.")]
Stores = Annotated[str, typer.Option(help="sh-0001, sh-01*, sh-0001/pc-1, @file.txt, all; joined by commas.")]
Json = Annotated[bool, typer.Option("--json", help="For other programs.")]


@cli.command()
def status(
    context: typer.Context,
    stores: Stores = "all",
    level: Annotated[str, typer.Option(help="Only these: ok, attention, action; joined by commas.")] = "",
    state: Annotated[str, typer.Option(help="Only these: online, stopping, lost; joined by commas.")] = "",
    version: Annotated[str, typer.Option(help="Only agents of these versions; joined by commas.")] = "",
    as_json: Json = False,
) -> None:
    """Show all stores, the worst first. Exit 1: one of those shown is lost, or somebody has to act there."""
    from edge_agent.fleet import looking

    only = looking.only(level, state, version)
    if not looking.status(context.obj, stores, only, as_json=as_json):
        raise typer.Exit(EXIT_PROBLEM)


@cli.command()
def show(context: typer.Context, store: Store, as_json: Json = False) -> None:
    """Show everything about one store, in the words of its own page. Exit 1: it is lost, or somebody has to act."""
    from edge_agent.fleet import looking

    if not looking.show(context.obj, store, as_json=as_json):
        raise typer.Exit(EXIT_PROBLEM)


@cli.command()
def watch(
    context: typer.Context,
    stores: Stores = "all",
    types: Annotated[str, typer.Option(help="Only these: order, device.down, state …; joined by commas.")] = "",
    as_json: Json = False,
) -> None:
    """Show what happens in the stores as it happens, a line each, until Ctrl-C."""
    from edge_agent.fleet import agents, watching

    words = [word.strip() for word in types.split(",") if word.strip()]
    watching.watch(context.obj, watching.Wanted(agents.patterns(stores), words), as_json=as_json)


@cli.command()
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A store.toml.")],
    values: Annotated[Path | None, typer.Option(help="CSV: a column store, and one for each ${name}.")] = None,
) -> None:
    """Check a store config and print every error with its line. Exit 2: there are some. Asks no broker."""
    from edge_agent.fleet import looking

    looking.validate(file, values)


@cli.command()
def command(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="[STORE] NAME [KEY=VALUE]…", help="No STORE with --stores. A value is JSON, or text."),
    ],
    stores: Annotated[str | None, typer.Option(help="Many at once: sh-01*, @file.txt, all; joined by commas.")] = None,
    expires: Annotated[str, typer.Option(help="A box that gets it later refuses it.")] = "5m",
    patience: Annotated[str, typer.Option(help="How much silence to wait through once it is accepted.")] = "10m",
    out: Annotated[Path, typer.Option(help="Where files that come up are put.")] = Path(),
    as_json: Json = False,
) -> None:
    """Have a store do something: ping, report, restart_device, capture, diagnostics, restart, and more.

    A store that is not online is not asked. Exit 1: one did not do it.
    """
    from edge_agent.fleet import asking, commanding
    from edge_agent.fleet.pushing import duration

    given = [*([stores] if stores else []), *arguments]
    if len(given) < 2 or "=" in given[1]:
        raise ConfigError("name a store and a command: edge-fleet command sh-0001 ping (or --stores sh-01* ping)")
    question = asking.Question(
        given[1],
        asking.arguments_of(given[2:]),
        duration(expires, "--expires"),
        duration(patience, "--patience").total_seconds(),
    )
    if not commanding.command(context.obj, given[0], question, out, as_json=as_json):
        raise typer.Exit(EXIT_PROBLEM)


@cli.command()
def logs(
    context: typer.Context,
    store: Store,
    since: Annotated[str | None, typer.Option(help="How far back: 10m, 2h.")] = None,
    level: Annotated[str, typer.Option(help="debug, info, warning, error: that and above.")] = "info",
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1)] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a store's agent has logged. Exit 1: it does not answer."""
    from edge_agent.fleet import commanding
    from edge_agent.fleet.pushing import duration

    span = duration(since, "--since") if since else None
    wanted = commanding.LogsWanted(span, level, limit)
    if not commanding.logs(context.obj, store, wanted, follow=follow, as_json=as_json):
        raise typer.Exit(EXIT_PROBLEM)


@cli.command("publish-dataset")
def publish_dataset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="products, prices, stock, members, pickups …")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NDJSON, or .csv with a header line.")],
    stores: Stores,
    id_field: Annotated[str, typer.Option(help="What tells one row from another.")] = "id",
    previous: Annotated[
        Path | None, typer.Option(help="The file of last time: stores fetch what changed only.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="When the data was right; else now.")] = None,
    max_age: Annotated[str | None, typer.Option(help="How long it may be used: 36h. Else for ever.")] = None,
    as_json: Json = False,
) -> None:
    """Give stores their products, prices, stock …: signed, whole, and as a change where --previous says what was."""
    from edge_agent.fleet import publishing
    from edge_agent.fleet.pushing import duration

    age = duration(max_age, "--max-age") if max_age else None
    wanted = publishing.Dataset(name, file, id_field, previous, publishing.as_of(as_of), age)
    publishing.publish(context.obj, wanted, stores, as_json=as_json)


cli.add_typer(changing.cli)


def main() -> None:
    """Run the command line; errors that are meant become one clear message and their exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # JSON is UTF-8, and a file's name may be anything
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    try:
        cli(prog_name="edge-fleet")
    except BrokenPipeError:  # head, less: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except AgentError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_USAGE if isinstance(error, (ConfigError, FleetError)) else EXIT_PROBLEM)


if __name__ == "__main__":
    main()
