"""The file of carriers: what it may say, and how it says what is wrong without saying a key."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.identities.enrolled import Carrier, Enrolled, enrolled

KEY = "00112233445566778899aabbccddeeff"
OTHER = "ffeeddccbbaa99887766554433221100"
PHONE = f'[[carrier]]\nid = "member-1"\ntoken_key = "{KEY}"\n'


def test_everything_that_can_be_said_is_read() -> None:
    found = enrolled(
        f'service_uuid = "FCD2"\nstep = "5m"\ntoken_bytes = 16\n{PHONE}irk = "{OTHER}"\n'
        f'[[carrier]]\nid = "徽章 7"\nkind = "badge"\neid_key = "{KEY}"\neid_exponent = 15\neid_epoch = 1795343400\n'
    )

    assert found.service_uuid == "0000fcd2-0000-1000-8000-00805f9b34fb"
    assert (found.step, found.token_bytes) == (timedelta(minutes=5), 16)
    key, other = bytes.fromhex(KEY), bytes.fromhex(OTHER)
    assert found.carriers == (
        Carrier.model_construct(id="member-1", token_key=key, irk=other),
        Carrier.model_construct(id="徽章 7", kind="badge", eid_key=key, eid_exponent=15, eid_epoch=1795343400),
    )


def test_what_is_left_out_has_its_default() -> None:
    assert enrolled("") == Enrolled()
    assert (Enrolled().step, Enrolled().token_bytes, Enrolled().service_uuid) == (timedelta(minutes=15), 8, None)
    assert enrolled(f'service_uuid = "fcd2"\n{PHONE}').carriers[0].kind == "phone"


def test_a_whole_uuid_is_taken() -> None:
    uuid = "5F2DD896-B886-4549-AE01-E41ACD7A354A"

    assert enrolled(f'service_uuid = "{uuid}"').service_uuid == uuid.lower()


TOP = 'service_uuid = "fcd2"\n'
EID = f'[[carrier]]\nid = "b"\neid_key = "{KEY}"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('service_uuid = "fcd"', 'service_uuid: must be 4 hex digits, "fcd2", or a whole UUID'),
        ("service_uuid = 1234", "service_uuid: Input should be a valid string"),
        ('step = "1.5s"', 'step: a duration is a whole number and a unit: "500ms", "2s", "5m", "4h", "30d"'),
        ('step = "5s"', 'step: must be 10 seconds to 1 day, in whole seconds: "15m"'),
        ('step = "10500ms"', 'step: must be 10 seconds to 1 day, in whole seconds: "15m"'),
        ('step = "2d"', 'step: must be 10 seconds to 1 day, in whole seconds: "15m"'),
        ("token_bytes = 4", "token_bytes: Input should be greater than or equal to 8"),
        ('token_bytes = "8"', "token_bytes: Input should be a valid integer"),
        ("token_byte = 8", "token_byte: there is no such key (did you mean token_bytes)"),
        (f'[[carriers]]\nid = "{KEY}"', "carriers: there is no such key (did you mean carrier)"),
        ("carrier = 1", "carrier: Input should be a valid tuple"),
        ('[[carrier]]\nid = "m"', "carrier[0]: has no key (allowed: token_key, irk, eid_key)"),
        (f'[[carrier]]\nirk = "{KEY}"', "carrier[0].id: is missing"),
        (f'[[carrier]]\nid = ""\nirk = "{KEY}"', "carrier[0].id: String should have at least 1 character"),
        (f'[[carrier]]\nid = " m"\nirk = "{KEY}"', "carrier[0].id: must be printable and have no blank at an end"),
        (
            f'[[carrier]]\nid = "m"\nkind = "watch"\nirk = "{KEY}"',
            "carrier[0].kind: Input should be 'badge' or 'phone'",
        ),
        (f'{TOP}{PHONE}tokenkey = "{KEY}"', "carrier[0].tokenkey: there is no such key (did you mean token_key)"),
        (f'[[carrier]]\nid = "m"\nirk = "{KEY}00"', "carrier[0].irk: must be 32 hex digits"),
        (f'{TOP}[[carrier]]\nid = "m"\ntoken_key = "{KEY[2:]}"', "token_key: must be hex digits, 32 to 128 of them"),
        (f'{TOP}[[carrier]]\nid = "m"\ntoken_key = "{KEY * 5}"', "token_key: must be hex digits, 32 to 128 of them"),
        (f'{TOP}[[carrier]]\nid = "m"\ntoken_key = "{KEY} {KEY}"', "token_key: must be hex digits, 32 to 128 of them"),
        (PHONE, "carrier[0].token_key: needs service_uuid at the top of the file"),
        (f"{EID}eid_exponent = 10", "carrier[0].eid_epoch: is missing (eid_key, eid_exponent and eid_epoch go"),
        (f"{EID}eid_epoch = 1", "carrier[0].eid_exponent: is missing"),
        (f'[[carrier]]\nid = "m"\nirk = "{KEY}"\neid_epoch = 1', "carrier[0].eid_key: is missing"),
        (f"{EID}eid_epoch = 1\neid_exponent = 16", "carrier[0].eid_exponent: Input should be less than or equal to 15"),
        (f"{EID}eid_epoch = -1\neid_exponent = 1", "carrier[0].eid_epoch: Input should be greater than or equal to 0"),
        (f"{TOP}{PHONE}{PHONE}", "carrier[1].id: is the same as that of carrier[0]"),
        (f"{TOP}{PHONE}{PHONE.replace('-1', '-2')}", "carrier[1].token_key: is the same as that of carrier[0]"),
        (f'[[carrier]]\nid = "m"\nirk = {KEY}', "is not TOML (at line 3, column 8)"),
        (f'{PHONE}token_key = "{KEY}"', "is not TOML (at "),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_a_key(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        enrolled(text)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None
    for digits in (KEY[:8], KEY[-8:]):
        assert digits not in str(caught.value)


def test_keys_do_not_show() -> None:
    found = enrolled(f'{TOP}{PHONE}irk = "{OTHER}"\n{EID}eid_epoch = 1\neid_exponent = 1')

    assert "member-1" in repr(found)
    assert not re.search(r"key=|irk=|\\x", repr(found) + str(found))


@given(st.text(max_size=80) | st.text(max_size=30).map(lambda words: f'{TOP}{PHONE}irk = "{words}"'))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        enrolled(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017  most texts are refused, and a few are not


def test_everything_wrong_is_said_at_once() -> None:
    text = '[[carrier]]\nid = "a"\ntokenkey = "00"\nirk = "xyz"\n[[carrier]]\nkind = "dog"\n'

    with pytest.raises(ValueError, match="carrier") as caught:
        enrolled(text)

    said = str(caught.value)
    for part in (
        "carrier[0].tokenkey: there is no such key (did you mean token_key)",
        "carrier[0].irk",
        "carrier[1].id",
    ):
        assert part in said
    assert "carrier[1].kind" in said
    assert "\n" not in said
    assert "xyz" not in said
