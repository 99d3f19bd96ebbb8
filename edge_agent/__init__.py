"""The in-store edge agent: what a shop's devices say, kept safe on disk and confirmed by head office."""

from datetime import date

__version__ = "0.1.0"

# No order is older than the software that read it: a clock that stands before this day is wrong.
BUILT = date(2026, 11, 22)
