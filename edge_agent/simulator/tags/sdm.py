"""Secure Dynamic Messaging as an NTAG 424 DNA makes it (NXP AN12196, sections 3.3 and 3.4; data sheet, section 9.3)."""

import os

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
PICC_TAG = b"\xc7"  # UID and counter are mirrored, the UID has seven bytes
PADDING = BLOCK - 11  # random: makes each PICC data unlike the one before
TAPS = 0x01000000  # the counter has 24 bits
PICC, ENC, MAC = "{picc}", "{enc}", "{cmac}"


def url(template: str, uid: bytes, counter: int, meta: bytes, file: bytes, **content: bytes) -> str:
    """Return the URL of one tap: ``template`` with its placeholders replaced, in upper-case hexadecimal.

    ``{picc}``: encrypted UID and counter; ``{enc}``: encrypted ``data`` (whole blocks of 16 bytes); ``{cmac}``: the
    truncated MAC of the text from ``{enc}`` up to itself, of nothing without ``{enc}``. ``meta`` and ``file``: the keys
    SDMMetaRead and SDMFileRead, 16 bytes each. Also ``padding``, five bytes instead of random ones.
    """
    ctr = counter.to_bytes(3, "little")
    plain = PICC_TAG + uid + ctr + content.get("padding", os.urandom(PADDING))
    filled = template.replace(PICC, _encrypt(meta, bytes(BLOCK), plain).hex().upper())
    start = filled.find(ENC)
    if start >= 0:
        key = _mac(file, b"\xc3\x3c\x00\x01\x00\x80" + uid + ctr)
        initial = _encrypt(key, None, ctr + bytes(BLOCK - len(ctr)))
        filled = filled.replace(ENC, _encrypt(key, initial, content["data"]).hex().upper())
    end = filled.find(MAC)
    key = _mac(file, b"\x3c\xc3\x00\x01\x00\x80" + uid + ctr)
    signed = filled[start:end].encode() if start >= 0 else b""
    return filled.replace(MAC, _mac(key, signed)[1::2].hex().upper())


def _encrypt(key: bytes, initial: bytes | None, plain: bytes) -> bytes:
    mode = ECB() if initial is None else CBC(initial)  # noqa: S305 - one block that is an initial value, as NXP has it
    encryptor = Cipher(AES(key), mode).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def _mac(key: bytes, data: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()
