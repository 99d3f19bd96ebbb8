"""What goes wrong at the operator's terminal, by what its exit status says."""

from edge_agent.errors import AgentError


class FleetError(AgentError):
    """The broker cannot be used, or refuses what was asked of it. Exit status 2, as wrong usage has."""


class FailedError(AgentError):
    """It was asked for and has not worked out. Exit status 1."""
