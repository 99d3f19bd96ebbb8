"""Which store gets it when: rings that grow, in an order nobody chose."""

import random
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError

_COUNT = re.compile(r"[1-9]\d{0,6}")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)%")


@dataclass(frozen=True, slots=True)
class Ring:
    """How many have it once this ring is done, the ones before it included: a number, or a share of all."""

    text: str
    count: int | None = None
    share: Fraction | None = None

    def of(self, total: int) -> int:
        """Return how many of so many: a share is rounded up, so that it is one at least."""
        wanted = self.count if self.count is not None else -(-total * (self.share or 0) // 1)
        return min(total, max(1, int(wanted)))


def parse(text: str) -> tuple[Ring, ...]:
    """Return the rings of ``1,5%,25%,100%``. Raises ConfigError."""
    rings = tuple(_ring(part.strip()) for part in text.split(","))
    if rings[-1].share != 1:
        raise ConfigError(f"--rings {text}: the last ring is 100%; choose fewer stores with --stores")
    shares = [ring.share for ring in rings if ring.share is not None]
    counts = [ring.count for ring in rings if ring.count is not None]
    if shares != sorted(set(shares)) or counts != sorted(set(counts)):
        raise ConfigError(f"--rings {text}: each ring holds the ones before it, so they must grow")
    return rings


def percent(text: str, option: str) -> Fraction:
    """Return ``2%`` as a share of one. Raises ConfigError."""
    match = _PERCENT.fullmatch(text.strip())
    share = Fraction(match[1]) / 100 if match else None
    if share is None or share > 1:
        raise ConfigError(f"{option} {text}: must be 0% to 100%")
    return share


def assign(agents: Iterable[Topics], rings: Iterable[Ring], seed: str, online: Collection[Topics]) -> dict[Topics, int]:
    """Return the ring of each agent, counted from 0 without holes, in the order in which they are pushed.

    ``seed``: the rollout's id; the same one gives the same order, so that rings are no alphabet and yet can be told
    again. The first ring takes those that are online before all others: a canary that is switched off sings nothing.
    """
    order = sorted(agents, key=lambda agent: agent.root)
    random.Random(seed).shuffle(order)  # noqa: S311 - to spread stores evenly, not to keep a secret
    placed: dict[Topics, int] = {}
    number = 0
    for ring in rings:
        more = max(0, ring.of(len(order)) - len(placed)) if order else 0
        left = [agent for agent in order if agent not in placed]
        if not placed:
            left.sort(key=lambda agent: agent not in online)
        placed.update(dict.fromkeys(left[:more], number))
        number += bool(more)
    return placed


def _ring(text: str) -> Ring:
    if _COUNT.fullmatch(text):
        return Ring(text, count=int(text))
    share = percent(text, "--rings")
    if not share:
        raise ConfigError(f"--rings {text}: a ring is more than nothing")
    return Ring(text, share=share)
