"""The pass-through: a process of its own between a register and what it prints on; knows nothing of the agent."""
