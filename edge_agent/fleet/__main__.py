"""edge-fleet: the commands. Each is thin; what it does lives in the room it names, imported when it is called."""

import io
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


cli.add_typer(changing.cli)


def main() -> None:
    """Run the command line; errors that are meant become one clear message and their exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # JSON is UTF-8, and a file's name may be anything
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    try:
        cli(prog_name="edge-fleet")
    except AgentError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_USAGE if isinstance(error, (ConfigError, FleetError)) else EXIT_PROBLEM)


if __name__ == "__main__":
    main()
