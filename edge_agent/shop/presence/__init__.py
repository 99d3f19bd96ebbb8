"""Presence: who is in the store, by the advertisements its scanners hear. docs/presence.md has the rules."""

from edge_agent.shop.presence.changes import EMPTY, PART, Carrier, Change, Changes, Count, Place, Sighting
from edge_agent.shop.presence.engine import Presence

__all__ = ["EMPTY", "PART", "Carrier", "Change", "Changes", "Count", "Place", "Presence", "Sighting"]
