"""The in-store edge agent: what a shop's devices say, kept safe on disk and confirmed by head office."""

__version__ = "0.1.0"
