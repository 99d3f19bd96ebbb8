"""What crosses the wall between the shop and head office: events, frames, topics, messages.

Nothing here knows how anything is produced. Head-office teams read this package; see docs/central.md.
"""
