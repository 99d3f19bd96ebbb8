"""edge-fleet: one terminal for central operations. A program of its own; it speaks to the broker only."""
