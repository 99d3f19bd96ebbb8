"""What is sent to a reader who has seen the page up to some making."""

from edge_agent.page.variant import Variant


def test_first_everything_then_what_has_changed() -> None:
    variant = Variant()
    variant.take({"hero": b'{"level":"ok"}', "link": b"1"})
    assert variant.since(0) == b'event: hero\ndata: {"level":"ok"}\n\nevent: link\ndata: 1\n\n'
    seen = variant.making
    variant.take({"hero": b'{"level":"ok"}', "link": b"2"})
    assert variant.since(seen) == b"event: link\ndata: 2\n\n"
    assert variant.since(variant.making) == b""


def test_whoever_missed_some_makings_gets_the_newest_of_each() -> None:
    variant = Variant()
    for number in range(10):
        variant.take({"hero": b"same", "link": b"%d" % number})
    assert variant.since(1) == b"event: link\ndata: 9\n\n"


def test_news_is_told_once_for_each_change() -> None:
    variant = Variant()
    first = variant.news
    variant.take({"hero": b"1"})
    assert first.is_set()
    second = variant.news
    variant.take({"hero": b"1"})
    assert variant.news is second
    assert not second.is_set()
