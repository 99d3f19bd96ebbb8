import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.events import Stream
from edge_agent.contract.messages import Ack
from edge_agent.sync.acks import Meaning, Standing, interpret, read_ack

HERE = Standing(upto=10, last=30, sent=20)


def meaning(**ack: object) -> Meaning:
    return interpret(Ack(epoch="e", **ack), lambda _: HERE)  # type: ignore[arg-type]  # test shorthand


def test_the_three_directions() -> None:
    assert meaning(upto={"orders": 15, "ops": 5, "presence": 10}) == Meaning(
        forward={Stream.ORDERS: 15}, back={Stream.OPS: 5}
    )


def test_beyond_what_was_sent_nothing_else_matters() -> None:
    assert meaning(upto={"orders": 12, "ops": 21}) == Meaning(rolled_back=True)


def test_a_need_is_cut_at_the_newest_sequence() -> None:
    assert meaning(need={"orders": [(5, 7), (25, 99), (31, 40)], "else": [(1, 2)]}) == Meaning(
        need=[(Stream.ORDERS, 5, 7), (Stream.ORDERS, 25, 30)]
    )


def test_silence_about_a_stream_says_nothing() -> None:
    assert meaning() == Meaning()


@given(st.binary(max_size=200))
def test_any_bytes_are_an_acknowledgement_or_none(payload: bytes) -> None:
    read_ack(payload)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
key = st.sampled_from(["epoch", "upto", "need", "day", "orders", "x"])
ack_like = st.dictionaries(key, json | st.dictionaries(key, json | st.lists(st.lists(st.integers())), max_size=3))


@given(ack_like)
def test_whatever_is_read_can_be_interpreted(document: dict[str, object]) -> None:
    ack = read_ack(msgspec.json.encode(document))
    if ack is not None:
        for stream, first, last in interpret(ack, lambda _: HERE).need:
            assert stream in Stream
            assert 1 <= first <= last <= HERE.last


def test_negative_numbers_and_crossed_ranges_are_malformed() -> None:
    assert read_ack(b'{"epoch":"e","upto":{"orders":-1}}') is None
    assert read_ack(b'{"epoch":"e","need":{"orders":[[0,5]]}}') is None
    assert read_ack(b'{"epoch":"e","need":{"orders":[[7,5]]}}') is None
    assert read_ack(b"[" * 100_000) is None
    assert read_ack(b'{"epoch":"e","upto":{"orders":1e400}}') is None
