"""The properties of a PUBLISH, against paho's own encoder."""

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from edge_agent.uplink.wire import pack_properties, variable_length

# MQTT 5, section 1.5.4: no null character, no lone surrogates.
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)


@given(st.lists(st.tuples(text, text), max_size=6), st.none() | text)
def test_the_same_bytes_as_paho(user: list[tuple[str, str]], content_type: str | None) -> None:
    theirs = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's annotations end here
    if user:
        theirs.UserProperty = user
    if content_type is not None:
        theirs.ContentType = content_type
    assert pack_properties(user, content_type) == theirs.pack()  # type: ignore[no-untyped-call]  # paho has none


@given(st.integers(0, 268_435_455))
def test_lengths_as_paho(value: int) -> None:
    assert variable_length(value) == VariableByteIntegers.encode(value)  # type: ignore[no-untyped-call]  # paho
