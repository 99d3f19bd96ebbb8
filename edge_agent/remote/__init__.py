"""The doors in: what head office asks of this box. Signatures are checked before anything is parsed."""

from edge_agent.remote.remote import Remote

__all__ = ["Remote"]
