"""The tags one can lay on a simulated reader: state machines without I/O."""
