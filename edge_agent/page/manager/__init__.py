"""The manager's door: the code and how it is first set, sessions, wrong codes, and the audit of what was done."""
