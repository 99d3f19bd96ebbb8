"""One run of one config: its devices and rules under supervision."""

from edge_agent.generation.generation import Generation
from edge_agent.generation.generations import Generations
from edge_agent.generation.running_device import HELD, STARTING, RunningDevice

__all__ = ["HELD", "STARTING", "Generation", "Generations", "RunningDevice"]
