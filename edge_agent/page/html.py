"""The two documents a browser opens, rendered from templates: the page's frame and the printable help.

The page's frame has the headline of the moment and every label; sections fill it as they arrive (``static/page.js``).
"""

from edge_agent.page.sources import Reader, Sources


def page(sources: Sources, reader: Reader) -> str:
    """Return the page for a reader."""
    raise NotImplementedError


def help_sheet(sources: Sources, reader: Reader) -> str:
    """Return the help of one printed page."""
    raise NotImplementedError


def assets() -> dict[str, tuple[bytes, str]]:
    """Return every static file (body, content type) by its path below ``/static/``; read once."""
    raise NotImplementedError
