"""Every decoder's vectors, cut at every byte."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from edge_agent import decoders
from edge_agent.decoders import _vectors
from edge_agent.observations import Decoded, Receipt, Record, Undecoded
from tests.support.streams import decode

NAMES = decoders.names()
VECTORS = [(name, vector) for name in NAMES for vector in _vectors.load(name)]
IDS = [f"{name}-{vector.name}" for name, vector in VECTORS]


@pytest.mark.parametrize(("name", "vector"), VECTORS, ids=IDS)
def test_a_vector_means_the_same_wherever_it_is_cut(name: str, vector: _vectors.Vector) -> None:
    whole = decode(name, [vector.data], vector.idle, **vector.settings)
    assert [_vectors.plain(observation) for observation in whole] == vector.expected
    for cut in range(len(vector.data) + 1):
        assert decode(name, [vector.data[:cut], vector.data[cut:]], vector.idle, **vector.settings) == whole, cut


@pytest.mark.parametrize(("name", "vector"), VECTORS, ids=IDS)
def test_a_decoder_that_takes_over_says_what_the_first_one_would_have_said(name: str, vector: _vectors.Vector) -> None:
    whole = decode(name, [vector.data], vector.idle, **vector.settings)
    settings = decoders.settings_model(name)(**vector.settings)
    for cut in range(len(vector.data) + 1):
        first = decoders.create(name, settings)
        seen = first.feed(vector.data[:cut])
        assert first.unfinished() == first.modes() + vector.data[first.consumed : cut]
        seen += decode(name, [first.unfinished(), vector.data[cut:]], vector.idle, **vector.settings)
        assert seen == whole, cut


@pytest.mark.parametrize(("name", "vector"), VECTORS, ids=IDS)
def test_a_receipts_raw_bytes_say_the_same_again(name: str, vector: _vectors.Vector) -> None:
    for observation in decode(name, [vector.data], vector.idle, **vector.settings):
        if isinstance(observation, Receipt):
            again = [one for one in decode(name, [observation.raw], **vector.settings) if isinstance(one, Receipt)]
            assert again == [observation]


@pytest.mark.parametrize("name", NAMES)
def test_selftest_finds_nothing_wrong(name: str) -> None:
    assert decoders.check_vectors(name) == []


def test_selftest_names_the_vector_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = _vectors.Vector("wrong", {}, b"x\n", True, [{"receipt": {"lines": ["y"], "barcodes": [], "flags": []}}])
    monkeypatch.setattr(_vectors, "load", lambda name: [wrong])
    problems = decoders.check_vectors("escpos")
    assert len(problems) == 1
    assert "wrong" in problems[0]


def test_the_example_in_the_docs_keeps_a_decoders_promises() -> None:
    page = (Path(__file__).parents[3] / "docs" / "add-a-register-language.md").read_text(encoding="utf-8")
    (example,) = re.findall(r'```python\n( *"""Acme.*?)```', page, re.DOTALL)
    module: dict[str, Any] = {"__name__": "acme"}
    exec(textwrap.dedent("   " + example.lstrip()), module)
    data = b"\x02A-1;16.00\x03" + b"x" * 700 + b"\x03\x02B;1\x03zz"

    def run(*pieces: bytes) -> list[Decoded]:
        decoder = module["Decoder"](module["Settings"]())
        seen: list[Decoded] = [one for piece in pieces for one in decoder.feed(piece)]
        return seen + list(decoder.idle())

    whole = run(data)
    assert isinstance(whole[0], Record)
    assert whole[0].fields == {"order_no": "A-1", "totals": {"payable": "16.00"}}
    assert isinstance(whole[1], Undecoded)
    for cut in range(len(data)):
        assert run(data[:cut], data[cut:]) == whole, cut
        first = module["Decoder"](module["Settings"]())
        assert first.feed(data[:cut]) + run(first.unfinished(), data[cut:]) == whole, cut


def test_the_registry_is_the_folder() -> None:
    assert {"escpos", "lines"} <= set(decoders.names())
    assert not any(name.startswith("_") for name in decoders.names())
