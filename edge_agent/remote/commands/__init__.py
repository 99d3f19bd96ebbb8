"""Commands of head office: each id runs once, and is answered."""
