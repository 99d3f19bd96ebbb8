"""What kind of tag lies on a PC/SC reader, by the answer to reset that the reader makes up for it.

PC/SC Part 3 (2.01.09), 3.1.3.2.3: storage cards carry ``4F``, PC/SC's RID, a standard and a card name in their
historical bytes; cards of ISO/IEC 14443-4 carry those of their own answer to select.
"""

_RID = bytes.fromhex("A000000306")
_STORAGE = slice(4, 6), b"\x80\x4f"  # the category indicator and the tag of the application identifier
_FELICA = 0x11  # SS of FeliCa, PC/SC Part 3 supplement

# NN NN of the PC/SC Part 3 supplement (2.01.09): Classic 1K and 4K, Mini, Plus as Classic (SL1 and SL2).
_CLASSIC = frozenset((0x0001, 0x0002, 0x0026, 0x0036, 0x0037, 0x0038, 0x0039))
_TYPE2 = frozenset((0x0003, 0x003A, 0x003D))  # Ultralight and NTAG, Ultralight C, Ultralight EV1
_TYPE3 = frozenset((0x003B, 0xF011, 0xF012))  # FeliCa; as the ACR122U (API manual 2.04, 3.1) has it: 212 and 424 kbit/s


def technology(atr: bytes) -> str | None:
    """Return ``type2``, ``type3``, ``type4`` or ``classic``; None for what is none of them. Never raises."""
    if not atr:
        return None
    where, mark = _STORAGE
    if atr[where] != mark or atr[7:12] != _RID:
        return "type4"
    if len(atr) < 15:
        return None
    name = int.from_bytes(atr[13:15], "big")
    if atr[12] == _FELICA or name in _TYPE3:
        return "type3"
    if name in _CLASSIC:
        return "classic"
    if name in _TYPE2:
        return "type2"
    return _by_sak(name & 0xFF) if name >> 8 == 0xFF else None


def _by_sak(sak: int) -> str | None:
    """Return what a SAK says (NXP AN10833): the ACR122U names cards it has no name for ``FF`` and their SAK."""
    if sak & 0x20:
        return "type4"
    if sak & 0x08:
        return "classic"
    return "type2" if sak == 0 else None
