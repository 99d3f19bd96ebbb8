"""`edge-agent relay`: from the configuration to the process that passes bytes on."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from edge_agent.config.devices import SerialSettings
from edge_agent.config.problems import closest
from edge_agent.config.pushed import load_in_force
from edge_agent.devices.relay_start import Relays, relay_settings
from edge_agent.errors import ConfigError


def become_relay(agent_file: Path, device: str) -> NoReturn:
    """Turn this process into a device's relay: what reading the configuration took in memory is given back.

    Raises ConfigError: there is no such device, or it passes nothing through.
    """
    config = load_in_force(agent_file, on_trial=True)
    found = {settings.id: settings for settings in config.store.devices}
    settings = found.get(device)
    if settings is None:
        meant = closest(device, list(found))
        raise ConfigError(f"there is no device {device!r}" + (f"; did you mean {meant}?" if meant else ""))
    if not isinstance(settings, SerialSettings):
        raise ConfigError(f"{device} has no passthrough: it is of kind {settings.kind}")
    command = Relays.of(config.agent.agent.state_dir, agent_file).command(relay_settings(settings))
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - this very interpreter
