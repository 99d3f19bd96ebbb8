"""NXP's own vectors (AN12196), all keys zero."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from edge_agent.simulator.tags.sdm import url

KEY = bytes(16)


def padding(picc: str) -> bytes:
    """Return the random end of PICC data: the one thing a tag makes up."""
    decryptor = Cipher(AES(KEY), CBC(bytes(16))).decryptor()
    return (decryptor.update(bytes.fromhex(picc)) + decryptor.finalize())[-5:]


def test_uid_and_counter() -> None:
    vector = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
    made = url(
        "https://ntag.nxp.com/424?e={picc}&c={cmac}",
        bytes.fromhex("04DE5F1EACC040"),
        61,
        KEY,
        KEY,
        padding=bytes.fromhex("DA5CF60941"),
    )
    assert made == vector


def test_encrypted_file_data() -> None:
    vector = (
        "https://www.my424dna.com/?picc_data=FD91EC264309878BE6345CBE53BADF40"
        "&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6"
    )
    made = url(
        "https://www.my424dna.com/?picc_data={picc}&enc={enc}&cmac={cmac}",
        bytes.fromhex("04958CAA5C5E80"),
        8,
        KEY,
        KEY,
        data=b"x" * 16,
        padding=padding("FD91EC264309878BE6345CBE53BADF40"),
    )
    assert made == vector


def test_no_two_taps_are_alike() -> None:
    uid = bytes.fromhex("04DE5F1EACC040")
    taps = {url("{picc}{cmac}", uid, 61, KEY, KEY) for _ in range(10)}
    assert len(taps) == 10
    assert len({tap[32:] for tap in taps}) == 1  # the MAC is of UID and counter alone
