"""TLS with certificates of a test authority: chain, host name, client certificate, and never a plain word."""

import asyncio
import shutil
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.simulator.broker import Broker, BrokerOptions, Certificates
from edge_agent.uplink import Message, TlsSettings, UplinkSettings, probe
from edge_agent.uplink.link import open_link
from tests.support.broker import Authority, authority, needs_mosquitto, running, until
from tests.support.proxy import proxied

PASSWORD = "quite-a-secret-7261"


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path / "our-ca")


@pytest.fixture
def broker(tmp_path: Path, ca: Authority) -> Iterator[Broker]:
    needs_mosquitto()
    certificate, key = ca.issue("broker")
    with Broker(tmp_path / "broker", BrokerOptions(tls=Certificates(ca.ca, certificate, key))) as broker:
        yield broker


def settings(port: int, tls: TlsSettings | None, host: str = "localhost") -> UplinkSettings:
    return UplinkSettings(host, port, "acme.s1.pc-1", tls=tls, username="sh-0001", password=lambda: PASSWORD)


async def refusal(port: int, tls: TlsSettings | None, host: str = "localhost") -> str:
    with pytest.raises(LinkError) as caught:
        await probe(settings(port, tls, host))
    return caught.value.reason


async def test_a_trusted_broker_is_spoken_to(broker: Broker, ca: Authority) -> None:
    async with proxied(broker.port) as proxy:
        await probe(settings(proxy.port, TlsSettings(ca.ca)))
        assert proxy.forwarded[:1] == b"\x16"  # a TLS handshake record
        assert PASSWORD.encode() not in proxy.forwarded


async def test_an_unknown_authority_is_refused_and_learns_nothing(broker: Broker, tmp_path: Path) -> None:
    other = authority(tmp_path / "other-ca")
    async with proxied(broker.port) as proxy:
        assert await refusal(proxy.port, TlsSettings(other.ca)) == "untrusted"
        assert await refusal(proxy.port, TlsSettings()) == "untrusted"  # nor do the system's authorities know it
        assert PASSWORD.encode() not in proxy.forwarded


async def test_another_host_name_is_refused(broker: Broker, ca: Authority) -> None:
    assert await refusal(broker.port, TlsSettings(ca.ca), "127.0.0.1") == "untrusted"


async def test_a_plaintext_broker_is_never_spoken_to_in_plaintext(tmp_path: Path, ca: Authority) -> None:
    needs_mosquitto()
    with Broker(tmp_path / "plain") as plain:
        async with proxied(plain.port) as proxy:
            assert await refusal(proxy.port, TlsSettings(ca.ca)) in {"tls_failed", "closed"}
            assert PASSWORD.encode() not in proxy.forwarded
            assert b"MQTT" not in proxy.forwarded


async def test_missing_files_are_named(broker: Broker, ca: Authority, tmp_path: Path) -> None:
    assert await refusal(broker.port, TlsSettings(tmp_path / "none.pem")) == "tls_files"
    assert await refusal(broker.port, TlsSettings(ca.ca, tmp_path / "none.pem")) == "tls_files"


async def test_client_certificates_are_read_again_at_every_connect(tmp_path: Path, ca: Authority) -> None:
    needs_mosquitto()
    certificate, key = ca.issue("broker")
    foreign_certificate, foreign_key = authority(tmp_path / "other-ca").issue("box")
    mine = TlsSettings(ca.ca, tmp_path / "box.pem", tmp_path / "box.key")
    shutil.copy(foreign_certificate, tmp_path / "box.pem")
    shutil.copy(foreign_key, tmp_path / "box.key")
    tls = Certificates(ca.ca, certificate, key, require_client=True)
    with Broker(tmp_path / "broker", BrokerOptions(tls=tls)) as broker:
        assert await refusal(broker.port, TlsSettings(ca.ca)) in {"closed", "tls_failed"}
        assert await refusal(broker.port, mine) in {"closed", "tls_failed"}
        renewed, renewed_key = ca.issue("box")
        shutil.copy(renewed, tmp_path / "box.pem")
        shutil.copy(renewed_key, tmp_path / "box.key")
        await probe(settings(broker.port, mine))


async def test_packets_that_share_a_record_are_all_heard(ca: Authority) -> None:
    """Mosquitto gives each packet a record of its own; other brokers do not. OpenSSL then holds them back, unseen."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"quite-a-secret-7261")  # the end of CONNECT
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK
        await reader.readuntil(b"echo/#\x01")  # the end of SUBSCRIBE
        messages = b"".join(b"\x30\x0a\x00\x06echo/%d\x00!" % number for number in range(5))
        writer.write(b"\x90\x04\x00\x01\x00\x01" + messages)  # SUBACK, granted QoS 1
        await reader.read()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*ca.issue("broker"))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    link = await open_link(settings(server.sockets[0].getsockname()[1], TlsSettings(ca.ca)))
    came: list[Message] = []
    await link.subscribe("echo/#", came.append)
    await until(lambda: len(came) == 5, seconds=5)
    assert [message.topic for message in came] == [f"echo/{number}" for number in range(5)]
    link.close()
    server.close()
    await server.wait_closed()


async def test_a_handshake_never_blocks_the_loop(broker: Broker, ca: Authority) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    loop = asyncio.get_running_loop()
    async with proxied(broker.port) as proxy, running(tick()):
        proxy.delay = 0.1
        begun = loop.time()
        await probe(settings(proxy.port, TlsSettings(ca.ca)))
        expected = (loop.time() - begun) / 0.005
    assert expected > 20
    assert ticks > expected / 2


async def test_the_oldest_version_spoken_is_tls_1_2(ca: Authority) -> None:
    """Against a server that speaks one version alone, and with any cipher: only its age can be what is refused."""
    for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ca.issue("broker"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        heard: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[bytes] = heard) -> None:
            heard.append(await reader.read(100))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        await refusal(server.sockets[0].getsockname()[1], TlsSettings(ca.ca))
        assert any(PASSWORD.encode() in data for data in heard) == spoken
        server.close()
        await server.wait_closed()
