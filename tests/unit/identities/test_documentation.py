"""docs/identities.md is true: its worked examples, its files, its tables of keys."""

import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from edge_agent.identities.enrolled import Carrier, Enrolled, enrolled
from edge_agent.identities.hashing import Hasher
from edge_agent.identities.rotating import RotatingCodes
from edge_agent.identities.sdm_keys import sdm_keys

PAGE = (Path(__file__).parents[3] / "docs" / "identities.md").read_text("utf-8")


def found(pattern: str) -> str:
    match = re.search(pattern, PAGE)
    assert match, pattern
    return match[1]


def test_the_worked_hashes_are_right() -> None:
    hasher = Hasher(bytes.fromhex(found("For the key `([0-9a-f]+)`")))
    uid = bytes.fromhex(found("tag with the UID `([0-9A-F]+)`"))

    for kind in ("sdm", "uid"):
        assert hasher.of(kind, uid) == found(rf"\| `{kind}` \| `([0-9a-f]{{64}})` \|")


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")
def test_the_command_prints_what_the_page_says() -> None:
    command, output = re.findall(r"^\$ (printf .*)\n(.*)$", PAGE, re.MULTILINE)[0]
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[-1] == output.split()[-1]


def test_the_files_shown_are_taken() -> None:
    keys, carriers = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

    assert len(sdm_keys(keys).file) == 16
    assert [carrier.id for carrier in enrolled(carriers).carriers] == ["member-10086", "badge-07"]


def test_the_worked_token_is_right() -> None:
    carriers = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    moment, seconds, step = re.findall(r"at (2026\S+) \((\d+), T = (\d+)\)", PAGE)[0]
    codes = RotatingCodes(enrolled(carriers))
    codes.turn(int(seconds))

    assert datetime.fromisoformat(moment).timestamp() == int(seconds)
    assert int(seconds) // 900 == int(step)
    assert bytes.fromhex(found(r"\n    ([0-9a-f]{16})\n")) == list(codes.tokens)[1]


def test_every_key_of_the_file_has_a_row() -> None:
    section = PAGE.partition("## Who carries what")[2]
    top, _, carrier = section.partition("In each `[[carrier]]`")

    assert set(re.findall(r"^\| `(\w+)` \|", top, re.MULTILINE)) == set(Enrolled.model_fields) - {"carriers"}
    assert set(re.findall(r"^\| `(\w+)` \|", carrier, re.MULTILINE)) == set(Carrier.model_fields)
