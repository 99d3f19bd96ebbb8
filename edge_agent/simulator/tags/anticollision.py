"""How a tag of Type A is found (ISO/IEC 14443-3), as the PN532 reports it."""

POLLS_A, POLLS_F = frozenset({0}), frozenset({1, 2})  # InListPassiveTarget's BrTy: 106A; 212F and 424F


def listed(sens_res: int, sel_res: int, uid: bytes, wanted: bytes) -> bytes | None:
    """Return SENS_RES, SEL_RES and UID as InListPassiveTarget lists them; None if another UID is ``wanted``.

    ``wanted`` is empty or a UID with its cascade tags.
    """
    if wanted and _without_cascade(wanted) != uid:
        return None
    return sens_res.to_bytes(2, "big") + bytes([sel_res, len(uid)]) + uid


def _without_cascade(uid: bytes) -> bytes:
    """Return the UID: 0x88 comes before each three bytes but the last four."""
    bare = b""
    while len(uid) > 4 and uid[0] == 0x88:
        bare, uid = bare + uid[1:4], uid[4:]
    return bare + uid
