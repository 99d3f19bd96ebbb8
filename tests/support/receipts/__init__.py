"""Receipts as real tills print them, with the truth beside: seeded, independent of the reader."""
