"""SDM: published vectors verify, and nothing that a tag did not write."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.identities.sdm import ForgedError, Proof, _cmac, is_dynamic, verify
from edge_agent.identities.sdm_keys import SdmKeys, sdm_keys
from tests.unit.identities.sdm_tag import ENCRYPTED, KEYS, PLAIN, UID, WITH_DATA, tap

ZEROS = SdmKeys(bytes(16), bytes(16))
CUSTOM = SdmKeys(bytes.fromhex("42aff114f2cb3b6141be6dc95dfc5416"), bytes.fromhex("b62a9baf092439bd43c62aee96b970c5"))
# NXP AN12196 (revision 1.8, sections 3.3 and 3.4); nfc-developer/sdm-backend, tests/test_libsdm.py; the demonstration
# tags of my424dna.com.
PUBLISHED = [
    (
        ZEROS,
        "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086",
        Proof(bytes.fromhex("04DE5F1EACC040"), 61, b""),
    ),
    (
        ZEROS,
        (
            "https://www.my424dna.com/?picc_data=FD91EC264309878BE6345CBE53BADF40"
            "&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6"
        ),
        Proof(bytes.fromhex("04958CAA5C5E80"), 8, b"x" * 16),
    ),
    (
        ZEROS,
        (
            "https://my424dna.com/?picc_data=FDE4AFA99B5C820A2C1BB0F1C792D0EB"
            "&enc=94592FDE69FA06E8E3B6CA686A22842B&cmac=C48B89C17A233B2C"
        ),
        Proof(bytes.fromhex("04958CAA5C5E80"), 1, b"x" * 16),
    ),
    (
        ZEROS,
        "https://sdm.nfcdeveloper.com/tagpt?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3",
        Proof(bytes.fromhex("041E3C8A2D6B80"), 6, b""),
    ),
    (
        ZEROS,
        "https://shop.example/?u=048F6A2AAA6180&n=000014&m=5A05F24AB8AC29EC",
        Proof(bytes.fromhex("048F6A2AAA6180"), 20, b""),
    ),
    (
        CUSTOM,
        "https://shop.example/?p=8ACADDEF0A9B62CDAE39A16B83FC14DE&d=B8436E11F627BB7F543FCC0C1E0D1A89238B2543A8DEBAD8",
        Proof(bytes.fromhex("041D3C8A2D6B80"), 291, bytes.fromhex("4e545858716e6f5f6f42467077792d56")),
    ),
]
HEX = "0123456789ABCDEF"


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_the_vectors_of_rfc_4493(length: int, mac: str) -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    message = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )

    assert _cmac(key, message[:length]).hex() == mac


@pytest.mark.parametrize(("keys", "uri", "proof"), PUBLISHED)
def test_published_vectors_verify(keys: SdmKeys, uri: str, proof: Proof) -> None:
    assert verify(uri, keys) == proof


@pytest.mark.parametrize("template", [ENCRYPTED, WITH_DATA, PLAIN])
def test_the_names_of_the_parameters_do_not_matter(template: str) -> None:
    for names in ("p=d=u=n=m=", "picc_data=enc=uid=ctr=cmac=", "a/b/c/d/e/", "e-f-g-h-i-"):
        named = template
        p, d, u, n, m = re.findall(".+?[=/-]", names)
        for old, new in (("?p=", f"?{p}"), ("&d=", f"&{d}"), ("?u=", f"?{u}"), ("&n=", f"&{n}"), ("&m=", f"&{m}")):
            named = named.replace(old, new)
        proof = verify(tap(named, 500), KEYS)

        assert proof is not None
        assert (proof.uid, proof.counter) == (UID, 500)


@pytest.mark.parametrize("template", ["https://x.example/{picc}{mac}", "https://x.example/{picc}{data}{mac}"])
def test_mirrors_with_nothing_between_them_are_told_apart(template: str) -> None:
    data = b"sixteen octets!!" if "data" in template else b""

    assert verify(tap(template, 0xABCDEF), KEYS) == Proof(UID, 0xABCDEF, data)


@pytest.mark.parametrize(
    ("template", "mac_from"),
    [(ENCRYPTED, "{picc}"), (WITH_DATA, "{picc}"), (WITH_DATA, "{data}"), (PLAIN, "{uid}")],
)
def test_the_mac_may_cover_the_mirrors_before_it(template: str, mac_from: str) -> None:
    assert verify(tap(template, 7, mac_from=mac_from), KEYS) is not None


def test_plain_mirrors_can_have_encrypted_data() -> None:
    uri = tap("https://shop.example/t?u={uid}&n={counter}&d={data}&m={mac}", 7)

    assert verify(uri, KEYS) == Proof(UID, 7, b"sixteen octets!!")


def test_more_hex_right_behind_the_data_is_no_data() -> None:
    uri = tap("https://shop.example/t?p={picc}&d={data}0123456789ABCDEF&m={mac}", 7, mac_from="{data}")

    assert verify(uri, KEYS) == Proof(UID, 7, b"sixteen octets!!")


def test_data_outside_of_the_mac_is_not_told() -> None:
    uri = tap(WITH_DATA, 7, mac_from="{mac}")

    assert verify(uri, KEYS) == Proof(UID, 7, b"")


def test_digits_that_look_alike_do_not_hide_the_mirrors() -> None:
    uri = tap("https://shop.example/0123456789ABCDEF/t?c=DEADBEEF&p={picc}&m={mac}&order=1234567890123456", 7)

    assert verify(uri, KEYS) == Proof(UID, 7, b"")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://shop.example/m?id=10086",
        "https://shop.example/t?p=EF963FF7828658A599F3041510671E88",
        "https://shop.example/t?m=94EED9EE65337086",
        "https://shop.example/t?p=EF963FF7828658A599F3041510671E8&m=94EED9EE65337086",
        "https://shop.example/t?p=EF963FF7828658A599F3041510671E88&m=94EED9EE6533708",
        "https://shop.example/t?p=ef963ff7828658a599f3041510671e88&m=94eed9ee65337086",
        "https://shop.example/t?order=20261122103105&n=000137&trade=4200001234567890",
        "https://shop.example/t?sha=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    ],
)
def test_a_uri_without_mirrors_is_none_of_ours(uri: str) -> None:
    assert verify(uri, ZEROS) is None
    assert not is_dynamic(uri)


@pytest.mark.parametrize("template", [ENCRYPTED, WITH_DATA, PLAIN])
@pytest.mark.parametrize(
    "keys", [SdmKeys(bytes(16), bytes(16)), SdmKeys(KEYS.meta, bytes(16)), SdmKeys(KEYS.file, KEYS.meta)]
)
def test_a_tag_with_other_keys_is_refused(template: str, keys: SdmKeys) -> None:
    with pytest.raises(ForgedError):
        verify(tap(template, 7), keys)


@pytest.mark.parametrize("tag", [0x87, 0x47, 0x07, 0xC4, 0xE7])
def test_a_tag_that_does_not_mirror_both_uid_and_counter_is_refused(tag: int) -> None:
    with pytest.raises(ForgedError):
        verify(tap(ENCRYPTED, 7, tag=tag), KEYS)


@pytest.mark.parametrize("template", [ENCRYPTED, WITH_DATA, PLAIN])
@pytest.mark.parametrize("mac_from", ["", "first"])
def test_no_flipped_bit_of_the_mirrors_verifies_and_none_makes_another_proof(template: str, mac_from: str) -> None:
    """Host, path and names outside of the MAC's input are not the tag's to protect: there the proof stays the same."""
    first = "{uid}" if template == PLAIN else "{picc}"
    genuine = tap(template, 500, mac_from=first if mac_from else "")
    proof = verify(genuine, KEYS)
    mirrors = {at for run in re.finditer("[0-9A-F]{6,}", genuine) for at in range(*run.span())}
    assert len(mirrors) in {48, 80, 36}
    for at in range(len(genuine)):
        for bit in range(7):
            flipped = genuine[:at] + chr(ord(genuine[at]) ^ 1 << bit) + genuine[at + 1 :]
            found = outcome(flipped)
            assert found in ({None, "forged"} if at in mirrors else {None, "forged", proof}), flipped


@pytest.mark.parametrize("template", [ENCRYPTED, WITH_DATA, PLAIN])
def test_no_beginning_of_a_uri_verifies(template: str) -> None:
    genuine = tap(template, 500)

    assert {outcome(genuine[:end]) for end in range(len(genuine))} <= {None, "forged"}
    assert outcome(genuine.lower()) is None


def test_mirrors_of_two_taps_do_not_mix() -> None:
    one, other = tap(PLAIN, 1), tap(PLAIN, 2)

    with pytest.raises(ForgedError):
        verify(one[:-16] + other[-16:], KEYS)


@given(st.text(alphabet=HEX + "=&?/xg", max_size=200))
def test_hex_that_no_tag_wrote_never_verifies(text: str) -> None:
    assert outcome("https://shop.example/" + text) in {None, "forged"}


@given(st.text(max_size=100))
def test_any_text_is_judged(text: str) -> None:
    assert outcome(text) in {None, "forged"}


def test_a_uri_full_of_candidates_is_judged_in_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def counted(key: bytes, message: bytes) -> bytes:
        made.append(message)
        return _cmac(key, message)

    monkeypatch.setattr("edge_agent.identities.sdm._cmac", counted)
    uri = "x".join(["0123456789ABCDEF0123456789ABCDEF", "04A1B2C3D4E5F6", "0A0B0C", "F" * 16] * 100)

    with pytest.raises(ForgedError):
        verify(uri, KEYS)
    assert 0 < len(made) <= 40


def test_the_keys_are_read() -> None:
    text = 'meta = "000102030405060708090A0B0C0D0E0F"\nfile = "101112131415161718191a1b1c1d1e1f"\n'

    assert sdm_keys(text) == KEYS


SECRET = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "meta: is missing; file: is missing"),
        (f'meta = "{SECRET}"', "file: is missing"),
        (f'meta = "{SECRET}"\nfile = "{SECRET[:-1]}"', "file: must be 32 hex digits"),
        (f'meta = "{SECRET}"\nfile = "{SECRET}00"', "file: must be 32 hex digits"),
        (f'meta = "{SECRET}"\nfile = "{SECRET[:-1]}g"', "file: must be 32 hex digits"),
        (f'meta = 12345678\nfile = "{SECRET}"', "meta: must be 32 hex digits"),
        (f'meta = "{SECRET}"\nflie = "{SECRET}"', "flie: there is no such key (did you mean file)"),
        (f'meta = "{SECRET}"\nfile = "{SECRET}"\nmetta = 1', "metta: there is no such key (did you mean meta)"),
        (f"meta = {SECRET}", "is not TOML (at line 1, column 9)"),
        (f'meta = "{SECRET}\n', "is not TOML (at line 1, column 41)"),
    ],
)
def test_what_is_wrong_with_the_keys_is_said_without_them(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        sdm_keys(text)
    assert str(caught.value) == message
    assert caught.value.__context__ is None


def test_keys_do_not_show() -> None:
    assert str(KEYS) == "SdmKeys()"


def outcome(uri: str) -> Proof | str | None:
    try:
        return verify(uri, KEYS)
    except ForgedError:
        return "forged"
