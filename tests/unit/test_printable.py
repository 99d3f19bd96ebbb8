"""Strangers' text on a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.printable import printable


def test_text_of_a_shop_stays_as_it_is() -> None:
    for text in ("人民广场店 ¥3.50", "Café - naïve", "a\tb\nc", "👨‍👩‍👧", ""):
        assert printable(text) == text


def test_what_a_terminal_obeys_is_shown() -> None:
    assert printable("\x1b[31mred\x9b2J\x7f\r\x00") == r"\x1b[31mred\x9b2J\x7f\r\x00"
    assert printable("invoice\u202efdp.exe\u2066") == r"invoice\u202efdp.exe\u2066"


@given(st.text())
def test_nothing_it_obeys_is_left(text: str) -> None:
    assert not [c for c in printable(text) if unicodedata.category(c) == "Cc" and c not in "\t\n"]
