"""A pushed store config: the same model as store.toml, from JSON."""

from pathlib import Path

from edge_agent.config.load import Config
from edge_agent.config.problems import InvalidConfigError


class FailedSamplesError(InvalidConfigError):
    """The config is valid, and the samples of its own receipt templates or scenes don't come out as they should."""


def apply_push(files: Config, payload: bytes) -> Config:
    """Return the configuration with a pushed store config in the place of store.toml.

    ``files``: what both files say. ``payload``: the exact bytes of a ``ConfigPush`` that has been verified. Relative
    paths in it are taken from store.toml's folder. Raises FailedSamplesError, InvalidConfigError with all problems
    (their file is ``config``, their line 1: a person reads their paths).
    """
    raise NotImplementedError


def load_in_force(agent_file: Path, *, on_trial: bool = False) -> Config:
    """Return the configuration that is in force: the last known good push, else store.toml as it lies there.

    ``on_trial``: the one on trial, if there is one. A push that cannot be used any more (its bytes are damaged, a file
    that it names has gone) falls back to the one before it, then to store.toml; ``Config.fallback`` says why.
    Raises InvalidConfigError with the problems of the files.
    """
    raise NotImplementedError
