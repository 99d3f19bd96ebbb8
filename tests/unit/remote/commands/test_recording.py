"""What goes into a recording, and what does not."""

import gzip
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from edge_agent import decoders
from edge_agent.observations import DisplayText, Observation, Payment, Receipt, Record, Scan, Undecoded, Weight
from edge_agent.redact import Redactor
from edge_agent.remote.commands.recording import HELD_BYTES, Ear, Recording
from edge_agent.shop.outcome import Outcome
from tests.support.secrets import CARD, CUT, HIDDEN, PAYMENT, PHONE, SECRETS, printed, revealed, unwrapped
from tests.support.slips import at, sale


def new_decoder(name: str = "escpos") -> decoders.Decoder:
    return decoders.create(name, decoders.settings_model(name)())


def recorded(folder: Path, *observations: Observation) -> list[dict[str, Any]]:
    """Return the rows of a recording of them."""
    path = folder / "recording"
    ear = Ear()
    for observation in observations:
        ear.hear(observation, Outcome(), at())
    recording = Recording(path, "till", ZoneInfo("Asia/Shanghai"), Redactor(b"key"), new_decoder)
    recording.write(ear.take())
    recording.close()
    assert ear.missed == 0
    with gzip.open(path) as file:
        return [msgspec.json.decode(line) for line in file]


def said(body: bytes) -> list[Observation]:
    decoder = new_decoder()
    return [*decoder.feed(body), *decoder.idle()]


def look_for_secrets(rows: list[dict[str, Any]]) -> None:
    revealed("\n".join((msgspec.json.encode(rows).decode(), *(row["raw"] for row in unwrapped(rows)))))


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN.keys())
def test_no_secret_is_recorded(tmp_path: Path, body: bytes) -> None:
    rows = recorded(tmp_path, *said(body))
    assert rows
    look_for_secrets(rows)


def test_the_check_for_secrets_finds_them() -> None:
    for body in HIDDEN.values():
        row = {"raw": msgspec.json.decode(msgspec.json.encode(body))}
        found = unwrapped([row])[0]["raw"] + body.decode("latin-1") + body.decode("gb18030", "replace")
        with pytest.raises(AssertionError):
            revealed(found)


@pytest.mark.parametrize("seed", range(40))
def test_noise_hides_no_secret(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    pieces = []
    for _ in range(20):
        secret = rng.choice(SECRETS)
        writings = [secret.encode(), " ".join(secret).encode(), secret.encode("cp037"), secret.encode("utf-16-le")]
        writings.append(bytes(byte | 0x80 for byte in secret.encode()))
        pieces.append(rng.randbytes(rng.randrange(40)) + rng.choice(writings) + rng.randbytes(rng.randrange(40)))
        pieces.append(rng.choice([CUT, b"\n", b""]))
    look_for_secrets(recorded(tmp_path, *said(b"".join(pieces))))


def test_a_slip_without_secrets_comes_with_its_bytes(tmp_path: Path) -> None:
    body = printed(sale() + "\n6901234567892 牛奶 1 5.00\n单号: 13812345678901")
    (slip,) = said(body)
    assert isinstance(slip, Receipt)
    (row,) = recorded(tmp_path, slip)
    assert row["lines"] == list(slip.lines)
    assert msgspec.json.decode(msgspec.json.encode(row["raw"]), type=bytes) == slip.raw
    assert row["at"] == "2026-11-22T10:31:07.000+08:00"


def test_bytes_from_which_a_secret_could_be_taken_come_without_it(tmp_path: Path) -> None:
    (row,) = recorded(tmp_path, *said(HIDDEN["plain"]))
    raw = msgspec.json.decode(msgspec.json.encode(row["raw"]), type=bytes)
    assert "会员手机: *".encode("gb18030") in raw
    assert "shape" not in row


@pytest.mark.parametrize("name", ["in bold the second time", "in UTF-16", "with a parity bit", "in EBCDIC"])
def test_bytes_of_which_nothing_can_be_proven_stay_here(tmp_path: Path, name: str) -> None:
    rows = recorded(tmp_path, *said(HIDDEN[name]))
    assert rows
    for row in rows:
        assert "raw" not in row
        assert row["shape"]


def test_whatever_a_line_says_is_redacted(tmp_path: Path) -> None:
    fields = {"order_no": "20261122000137", "member": PHONE, "x": int(PHONE), "pay": [PAYMENT], "card": {"no": CARD}}
    rows = recorded(
        tmp_path,
        Record({**fields}, msgspec.json.encode(fields)),
        Scan(PAYMENT),
        DisplayText((f"TEL {PHONE}", PHONE[:9]), "total", PHONE),
        Weight("0.350", "kg", stable=True),
        Payment("approved", amount=1600, reference=PAYMENT, fields={"pan": CARD}),
        Undecoded(f'{{"phone":"{PHONE}","name":"王芳"'.encode(), "not_json"),
    )
    assert [row["observation"] for row in rows] == ["record", "scan", "display", "weight", "payment", "undecoded"]
    look_for_secrets(rows)
    assert PHONE[:9] not in msgspec.json.encode(rows).decode()
    assert rows[0]["fields"]["order_no"] == "20261122000137"
    assert rows[3]["value"] == "0.350"
    assert rows[4]["amount"] == 1600
    assert rows[5]["shape"] == '{"a{5}":"9{11}","a{4}":"h{6}"'


def test_the_form_of_commands_is_told(tmp_path: Path) -> None:
    (row,) = recorded(tmp_path, Undecoded(b"\x1bz\x05\x1d(E12\x00\x00\x00\x00ab", "unknown"))
    assert (row["shape"], row["bytes"]) == ("<1b>z<05><1d>(a99<00>{4}aa", 14)


def test_what_waits_has_an_end() -> None:
    ear = Ear()
    for _ in range(10):
        ear.hear(Undecoded(bytes(HELD_BYTES // 4), "noise"), Outcome(), at())
    assert (len(ear.take()), ear.missed) == (4, 6)
    ear.hear(Undecoded(bytes(2 * HELD_BYTES), "noise"), Outcome(), at())  # one is always taken
    assert len(ear.take()) == 1
