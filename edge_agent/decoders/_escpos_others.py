"""What else may come down a printer's line: Star's language, and text for the customer display behind ``ESC =``."""

import re

# Star line mode: commands that begin ESC GS or ESC RS, and its raster mode. ESC/POS has neither.
_STAR = re.compile(rb"\x1b(?:\x1d[taAybRPxLhS#@\x03\x19]|\x1e[aAEFdrL]|\*r[\x20-\x7e])")
_ESCPOS_ONLY = re.compile(rb"(?<!\x1b)[\x1c\x1d]")
STAR_LEADS = (b"\x1b\x1d", b"\x1b\x1e", b"\x1b*")
_CUT = re.compile(rb"\x1dV(?:[\x00\x010-1]|[AB][\x00-\xff])")
# What ends a receipt in a language that is not read. Documents and label languages end where ESC/POS cuts.
_ENDS = {"star": re.compile(rb"\x1bd[\x00-\x030-3]|\x1b\*rB"), "foreign": _CUT}
_DISPLAY_END = re.compile(rb"\x1b=[\x01-\x03]|" + _CUT.pattern)
# The longest of these is 4 bytes: so many less one may be the beginning of one.
_LONGEST = 4


def is_star(buffer: bytearray, at: int, begun: bool) -> bool | None:
    """Tell whether the command at ``at`` is Star's; None: not enough bytes to tell.

    ``begun``: the buffer begins with a receipt under way. One that has spoken ESC/POS goes on in it.
    """
    if len(buffer) - at < _LONGEST:
        return None
    return _STAR.match(buffer, at) is not None and not (begun and _ESCPOS_ONLY.search(buffer, 0, at))


def language_end(language: str, buffer: bytearray, at: int, limit: int) -> tuple[int, bool]:
    """Return where a receipt in another language ends, and True; or up to where it does not, and False.

    ``limit``: it ends there at the latest, once there are bytes to tell.
    """
    end = _ENDS[language].search(buffer, at, limit + _LONGEST)
    if end is not None:
        return end.end(), True
    if len(buffer) >= limit + _LONGEST:
        return limit, True
    return max(at, len(buffer) - _LONGEST + 1), False


def display_end(buffer: bytearray, at: int, limit: int) -> tuple[int, bytes | None]:
    """Return where text for the display ends and the command that ends it.

    The command is empty at ``limit``; None: it has not ended yet.
    """
    end = _DISPLAY_END.search(buffer, at, limit + _LONGEST)
    if end is not None and end.start() <= limit:
        return end.start(), end[0]
    if len(buffer) >= limit + _LONGEST:
        return limit, b""
    return max(at, len(buffer) - _LONGEST + 1), None
