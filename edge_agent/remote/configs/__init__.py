"""Config pushes: verified, staged, on trial, committed, or back to the last known good."""
