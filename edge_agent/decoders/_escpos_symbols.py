"""The text inside bar code and two-dimensional code commands."""


def bar_code(command: bytes) -> str:
    """Return the text of a whole ``GS k`` command, as a scanner would read it; check digits are as sent."""
    kind = command[2]
    if kind <= 6:
        return command[3:-1].decode("latin-1")
    data = command[4:]
    return code128(data) if kind == 73 else data.decode("latin-1")


def code128(data: bytes) -> str:
    """Return a CODE128 text: ``{A`` ``{B`` ``{C`` choose the set, ``{S`` ``{1``-``{4`` are silent, ``{{`` is a brace.

    In set C each byte stands for two digits.
    """
    out: list[str] = []
    pairs = False
    at = 0
    while at < len(data):
        if data[at] == ord("{") and at + 1 < len(data):
            follower = data[at + 1 : at + 2]
            at += 2
            if follower in (b"A", b"B", b"C"):
                pairs = follower == b"C"
            elif follower == b"{":
                out.append("{")
            continue
        out.append(f"{data[at]:02d}" if pairs else chr(data[at]))
        at += 1
    return "".join(out)


def two_dimensional(command: bytes) -> bytes | None:
    """Return the data a ``GS ( k`` command stores (function 80 of any code type), None for the other functions."""
    return command[8:] if len(command) > 8 and command[6] == 80 else None
