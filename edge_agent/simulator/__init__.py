"""The virtual store: register, broker, central; processes of their own, for the demo and the tests."""
