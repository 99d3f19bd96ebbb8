"""Topics are final: the contract's own spelling."""

import pytest

from edge_agent.contract.topics import Topics, parse_up

TOPICS = Topics("acme", "sh-0001", "pc-1")


def test_spelling() -> None:
    assert TOPICS.client_id == "acme.sh-0001.pc-1"
    assert TOPICS.up("orders") == "o2o/1/acme/sh-0001/pc-1/up/orders"
    assert TOPICS.state == "o2o/1/acme/sh-0001/pc-1/state"
    assert TOPICS.health == "o2o/1/acme/sh-0001/pc-1/health"
    assert TOPICS.ack == "o2o/1/acme/sh-0001/pc-1/down/ack"


def test_an_up_topic_is_read_back() -> None:
    assert parse_up(TOPICS.up("presence")) == (TOPICS, "presence")


@pytest.mark.parametrize(
    "topic",
    ["", "o2o/1/acme/sh-0001/pc-1/up", "o2o/2/acme/sh-0001/pc-1/up/orders", "o2o/1/acme/sh-0001/pc-1/up/orders/x",
     "o2o/1/acme/sh-0001/pc-1/down/ack"],
)  # fmt: skip
def test_other_topics_are_not(topic: str) -> None:
    assert parse_up(topic) is None
