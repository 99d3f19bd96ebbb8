"""Connections of a slow or hostile client cost it time, and nobody else."""
