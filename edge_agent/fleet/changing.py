"""The commands that change stores: push-config, diff, rollout and what belongs to it."""

from pathlib import Path
from typing import Annotated

import typer

cli = typer.Typer(rich_markup_mode=None)

EXIT_DIFFERENT = 1

File = Annotated[Path, typer.Argument(metavar="FILE", help="A store.toml; ${name} in it differs from store to store.")]
Stores = Annotated[str, typer.Option(help="sh-0001, sh-01*, sh-0001/pc-1, @file.txt, all; joined by commas.")]
Values = Annotated[Path | None, typer.Option(help="CSV: a column store, and one for each ${name}.")]
Json = Annotated[bool, typer.Option("--json", help="For other programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Trial = Annotated[str, typer.Option(help="How long each store tries it before it keeps it.")]
Expires = Annotated[str, typer.Option(help="A store that is back later does not take it up.")]
Patience = Annotated[str, typer.Option(help="How long a store may be lost, silent or worse before it has failed.")]


@cli.command("push-config")
def push_config(
    context: typer.Context,
    file: File,
    stores: Stores,
    values: Values = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, store by store.")] = False,
    yes: Yes = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="For what becomes of it.")] = True,
    trial: Trial = "5m",
    expires: Expires = "7d",
    patience: Patience = "5m",
    as_json: Json = False,
) -> None:
    """Push a store config; each store tries it and keeps it only if all goes well. Exit 1: a store did not keep it."""
    from edge_agent.fleet import pushing

    source = pushing.Source(file, values, stores)
    terms = pushing.terms(trial, expires, patience)
    pushing.push_config(context.obj, source, terms, dry_run=dry_run, yes=yes, wait=wait, as_json=as_json)


@cli.command()
def diff(
    context: typer.Context,
    store: Annotated[str, typer.Argument(metavar="STORE", help="Or STORE/AGENT.")],
    file: File,
    values: Values = None,
    as_json: Json = False,
) -> None:
    """Show by fields what a store config would change at a store. Exit 0: nothing, 1: something."""
    from edge_agent.fleet import pushing

    if pushing.diff(context.obj, pushing.Source(file, values, store), as_json=as_json):
        raise typer.Exit(EXIT_DIFFERENT)
