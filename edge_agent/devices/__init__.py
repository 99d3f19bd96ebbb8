"""The I/O: one module a kind of device; each device owns one outside thing."""
