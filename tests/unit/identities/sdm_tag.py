"""What an NTAG 424 DNA does to its URI at a tap (NXP AN12196, sections 3.3 and 3.4): the writing side."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from edge_agent.identities.sdm_keys import SdmKeys

KEYS = SdmKeys(meta=bytes(range(16)), file=bytes(range(16, 32)))
UID = bytes.fromhex("04A1B2C3D4E5F6")
ENCRYPTED = "https://shop.example/t?p={picc}&m={mac}"
WITH_DATA = "https://shop.example/t?p={picc}&d={data}&m={mac}"
PLAIN = "https://shop.example/t?u={uid}&n={counter}&m={mac}"


def tap(
    template: str, counter: int, *, uid: bytes = UID, keys: SdmKeys = KEYS, mac_from: str = "", tag: int = 0xC7
) -> str:
    """Fill in the mirrors. ``mac_from``: where the MAC's input begins; else it is empty, or the data."""
    who = uid + counter.to_bytes(3, "little")
    uri = template.replace("{picc}", _cbc(keys.meta, bytes(16), bytes([tag]) + who + b"\x5a" * 5).hex().upper())
    uri = uri.replace("{uid}", uid.hex().upper()).replace("{counter}", f"{counter:06X}")
    if "{data}" in uri:
        key = _cmac(keys.file, bytes.fromhex("C33C00010080") + who)
        iv = _cbc(key, bytes(16), who[7:] + bytes(13))
        uri = uri.replace("{data}", _cbc(key, iv, b"sixteen octets!!").hex().upper())
    mac_from = mac_from or ("{data}" if "{data}" in template else "{mac}")
    begin, end = _offset(template, mac_from), _offset(template, "{mac}")
    mac = _cmac(_cmac(keys.file, bytes.fromhex("3CC300010080") + who), uri[begin:end].encode())
    return uri.replace("{mac}", mac[1::2].hex().upper())


def _offset(template: str, mirror: str) -> int:
    filled = template[: template.index(mirror)]
    for name, digits in (("{picc}", 32), ("{uid}", 14), ("{counter}", 6), ("{data}", 32)):
        filled = filled.replace(name, "0" * digits)
    return len(filled)


def _cbc(key: bytes, iv: bytes, plain: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def _cmac(key: bytes, message: bytes) -> bytes:
    cmac = CMAC(algorithms.AES128(key))
    cmac.update(message)
    return cmac.finalize()
