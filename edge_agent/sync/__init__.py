"""Store to uplink: drain, acknowledge, resend."""

from edge_agent.sync.sync import Sync

__all__ = ["Sync"]
