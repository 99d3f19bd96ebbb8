"""Every code of a push that is not in force has its words."""

import re
from pathlib import Path

import pytest

from edge_agent.page.pushes import _WHY, why
from edge_agent.page.words import LANGUAGES, words

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.md"


def test_every_code_of_the_contract_has_words_of_its_own() -> None:
    section = CONTRACT.read_text("utf-8").partition("Config payload")[2].partition("ROOT/config/reported")[0]
    codes = set(re.findall(r"`([a-z_]+)`", section)) - {"rolled_back", "type", "target", "config"}
    assert {"unsigned", "not_newer", "samples_failed", "device_failed", "hung"} <= codes
    assert codes == _WHY.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_end_a_sentence_and_quote_a_code_only_where_it_is_unknown(language: str) -> None:
    for code in _WHY:
        said = why(code, words(language))
        assert said
        assert not said.endswith((".", "。"))
        assert code not in said
    assert "moon_phase" in why("moon_phase", words(language))
    assert why(None, words(language))
