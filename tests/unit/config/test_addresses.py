import pytest

from edge_agent.config.addresses import Broker, is_loopback, overlap, parse_listen, parse_url
from edge_agent.config.problems import RefusedError


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://localhost", Broker("localhost", 1883, tls=False)),
        ("mqtts://mqtt.example.com", Broker("mqtt.example.com", 8883, tls=True)),
        ("mqtts://mqtt.example.com:443/", Broker("mqtt.example.com", 443, tls=True)),
        ("mqtt://[::1]:2883", Broker("::1", 2883, tls=False)),
    ],
)
def test_a_url_says_where_the_broker_is(url: str, broker: Broker) -> None:
    assert parse_url(url) == broker


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mqtt.example.com",
        "MQTT://localhost",
        "ws://localhost",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://host:0",
        "mqtt://host:65536",
        "mqtt://host:x",
        "mqtt://host/path",
        "mqtt://host?tls=1",
        "mqtt://host#x",
        "mqtt://[::1",
        "mqtt://ho st",
        "mqtt://ho\tst",
        "mqtt://hôst",
        "mqtt://host..example",
        "mqtt://" + "a" * 300,
    ],
)
def test_a_url_that_is_no_broker_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        parse_url(url)


@pytest.mark.parametrize("url", ["mqtts://till:hunter2@host", "mqtts://hunter2@host", "mqtts://:hunter2@host"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(RefusedError, match="use username and password_file") as caught:
        parse_url(url)

    assert "hunter2" not in f"{caught.value!r} {caught.value.allowed} {caught.value.suggestion}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("127.1", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::]:80", ("::", 80)),
        ("edge.lan:0", ("edge.lan", 0)),
    ],
)
def test_a_listening_address(text: str, address: tuple[str, int]) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "::1:80", "[127.0.0.1]:80", "a:65536", "a:+1", "a:١"]
)
def test_a_listening_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_listen(text)


def test_listeners_fight_for_a_port_on_one_address_or_all() -> None:
    assert overlap(("127.0.0.1", 80), ("127.0.0.1", 80))
    assert overlap(("0.0.0.0", 80), ("192.0.2.1", 80))
    assert overlap(("192.0.2.1", 80), ("::", 80))
    assert not overlap(("192.0.2.1", 80), ("192.0.2.2", 80))
    assert not overlap(("127.0.0.1", 80), ("127.0.0.1", 81))
    assert not overlap(("127.0.0.1", 0), ("127.0.0.1", 0))
