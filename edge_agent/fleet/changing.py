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


State = Annotated[
    Path | None, typer.Option("--state", help="The book of rollouts; else ~/.local/state/edge-fleet/rollouts.db.")
]
RolloutId = Annotated[str, typer.Argument(metavar="ID", help="As edge-fleet rollouts shows it.")]


@cli.command()
def rollout(
    context: typer.Context,
    file: File,
    ring: Annotated[str, typer.Option("--rings", help="How many have it after each ring: numbers, or shares of all.")],
    stores: Stores = "all",
    values: Values = None,
    max_fail: Annotated[str, typer.Option(help="It stops by itself where more fail.")] = "2%",
    soak: Annotated[str, typer.Option(help="How long each ring runs it well before the next.")] = "30m",
    min_online: Annotated[str, typer.Option(help="Share of a ring that must have answered before the next.")] = "50%",
    yes: Yes = False,
    trial: Trial = "5m",
    expires: Expires = "7d",
    patience: Patience = "5m",
    state: State = None,
    as_json: Json = False,
) -> None:
    """Push a store config ring by ring, and stop where it does harm. Exit 1: it stopped, or was aborted."""
    from edge_agent.fleet import pushing
    from edge_agent.fleet.rollouts import book, rings, rollouts

    terms = pushing.terms(trial, expires, patience)
    rings.parse(ring)
    rings.percent(max_fail, "--max-fail")
    rings.percent(min_online, "--min-online")
    rules = book.Rules(
        rings=ring,
        max_fail=max_fail,
        min_online=min_online,
        soak_s=pushing.duration(soak, "--soak").total_seconds(),
        trial_s=terms.trial_seconds,
        expires_s=terms.expires.total_seconds(),
        patience_s=terms.patience_s,
    )
    source = pushing.Source(file, values, stores)
    rollouts.begin(context.obj, state or book.default_file(), source, terms, rules, yes=yes, as_json=as_json)


@cli.command("rollouts")
def list_rollouts(state: State = None, as_json: Json = False) -> None:
    """List the rollouts of this operator."""
    from edge_agent.fleet.rollouts import book, rollouts

    rollouts.show(state or book.default_file(), as_json=as_json)


@cli.command()
def pause(rollout_id: RolloutId, state: State = None) -> None:
    """Let a rollout push nothing more for now."""
    from edge_agent.fleet.rollouts import book, rollouts

    rollouts.pause(state or book.default_file(), rollout_id)


@cli.command()
def resume(
    context: typer.Context,
    rollout_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Needed where several are open.")] = None,
    state: State = None,
    as_json: Json = False,
) -> None:
    """Go on with a rollout that was paused, or whose terminal died."""
    from edge_agent.fleet.rollouts import book, rollouts

    rollouts.resume(context.obj, state or book.default_file(), rollout_id, as_json=as_json)


@cli.command()
def abort(context: typer.Context, rollout_id: RolloutId, state: State = None) -> None:
    """End a rollout, and take back what no store has taken up yet. What runs at a store stays."""
    from edge_agent.fleet.rollouts import book, rollouts

    rollouts.abort(context.obj, state or book.default_file(), rollout_id)
