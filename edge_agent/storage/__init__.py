"""The one database and the files; the only package that opens them."""
