"""A PC/SC reader, by pyscard in a thread of its own."""
