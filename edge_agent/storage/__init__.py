"""The one database and the files; the only package that opens them."""

from edge_agent.storage.forgetting import FORGETTABLE
from edge_agent.storage.journal import Journal
from edge_agent.storage.settings import StorageSettings
from edge_agent.storage.store import Storage, Waiting

__all__ = ["FORGETTABLE", "Journal", "Storage", "StorageSettings", "Waiting"]
