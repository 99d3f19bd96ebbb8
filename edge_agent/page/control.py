"""The control socket: how the command line reaches the daemon of a state directory."""

from pathlib import Path

from edge_agent.sockets import runtime_directory


def control_socket(state_dir: Path) -> Path:
    """Return the socket's path: in the runtime directory, else in the state directory."""
    return (runtime_directory() or state_dir) / "control.sock"
