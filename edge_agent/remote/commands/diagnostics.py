"""`diagnostics`: the bundle for support goes up."""

import secrets
from functools import partial

import msgspec

from edge_agent import support_bundle
from edge_agent.remote.commands.acting import Action, Asked, Upload
from edge_agent.remote.commands.parcel import make_folder, on_disk


class Diagnostics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


async def diagnostics(asked: Asked, arguments: Diagnostics) -> Upload:
    """Make the bundle, of the config in force. Raises StorageError, BundleError."""
    del arguments
    asked.progress(0.0, "collecting")
    config = asked.box.generations.config
    bundle = asked.folder / secrets.token_hex(4)  # what a killed agent has begun may still be written to
    await on_disk(partial(make_folder, asked.folder))
    await support_bundle.make(config, bundle)
    return Upload(bundle, support_bundle.name_of(config, asked.box.clock.now().wall_ms), {})


DIAGNOSTICS = Action(Diagnostics, diagnostics, repeatable=True, long=True)
