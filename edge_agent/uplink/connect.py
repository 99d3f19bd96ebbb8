"""Open a connection: TCP, TLS and the CONNECT packet block, so they run in a thread."""

import asyncio
import socket
import ssl
from typing import cast

from aiohappyeyeballs import AddrInfoType, start_connection
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.errors import ConfigError, LinkError
from edge_agent.own_thread import OwnThread
from edge_agent.uplink.reasons import link_error
from edge_agent.uplink.settings import TlsSettings, UplinkSettings, Will

# What we accept from head office: a config of 1 MiB (contract section 7) in base64 and its envelope.
MAX_INCOMING_PACKET = 2 * 1024 * 1024
NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, section 5: then the next address is tried beside the one that is silent
_LOOK_S = 0.01  # whether a look-up has ended
# By broker, for the whole process: a disk or a name server that hangs has one thread, however often it is tried again.
_looking: dict[tuple[str, int], OwnThread] = {}


async def connect(settings: UplinkSettings, will: Will | None) -> mqtt.Client:
    """Return a client whose CONNECT is on its way; its socket is non-blocking and nobody reads it yet.

    Never blocks the loop, whatever the network does. Raises LinkError.
    """
    client = _prepare(settings, will)
    looking = _looking.setdefault((settings.host, settings.port), OwnThread("uplink-look-up"))
    try:
        async with asyncio.timeout(settings.connect_timeout):
            while looking.busy:  # noqa: ASYNC110 - what ends is a thread, which may know no loop
                await asyncio.sleep(_LOOK_S)
            addresses = await looking.run(lambda: _look_up(client, settings), lambda _: None)
            client.made = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
            client.made.settimeout(settings.connect_timeout)
            await OwnThread("uplink-open").run(lambda: _open(client, settings), lambda _: close(client))
    except OSError as error:
        raise link_error(error) from error
    except ValueError as error:  # a name that cannot be one: "mqtt..example"
        raise LinkError("name_not_found", str(error)) from error
    return client


def close(client: mqtt.Client) -> None:
    """Close the client's socket at once, without a word to the broker."""
    client.on_socket_close = client.on_socket_unregister_write = client.on_disconnect = None
    if (sock := client.socket()) is not None:
        sock.close()


class _Client(mqtt.Client):
    """Goes on with a connection that is made: paho's own way waits for a dead IPv6 address until all time is up."""

    made: socket.socket

    def _create_socket_connection(self) -> socket.socket:
        return self.made


class _Socket(ssl.SSLSocket):
    """Closes when the handshake fails: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Return a context that checks chain and host name, TLS 1.2 at least. Raises LinkError ``tls_files``."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.sslsocket_class = _Socket
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.client_certificate is not None:
            # An encrypted key would ask a terminal for its password: an empty one makes it an error instead.
            context.load_cert_chain(tls.client_certificate, tls.client_key, password="")
    except (OSError, ValueError) as error:
        files = ", ".join(str(f) for f in (tls.ca_file, tls.client_certificate, tls.client_key) if f)
        raise LinkError("tls_files", f"{files}: {error}") from error
    return context


def _prepare(settings: UplinkSettings, will: Will | None) -> _Client:
    # A client for each connection: no queue, no half-sent message and no certificate outlives it.
    client = _Client(CallbackAPIVersion.VERSION2, settings.client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    client.max_inflight_messages_set(0)  # no limit: paho's own is kept by a scan of the whole list at every PUBACK
    client.connect_timeout = settings.connect_timeout
    if will is not None:
        client.will_set(will.topic, will.payload, qos=1, retain=True)
    return client


def _look_up(client: mqtt.Client, settings: UplinkSettings) -> list[AddrInfoType]:
    """Do what needs the disk and the name server."""
    if settings.username is not None:
        try:
            client.username_pw_set(settings.username, settings.password())
        except (ConfigError, UnicodeError) as error:
            raise LinkError("password_file", str(error)) from error
    if settings.tls is not None:
        client.tls_set_context(tls_context(settings.tls))
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    return cast("list[AddrInfoType]", found)  # the same tuples: typeshed also knows of a Python without IPv6


def _open(client: mqtt.Client, settings: UplinkSettings) -> None:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's annotations end here
    properties.MaximumPacketSize = MAX_INCOMING_PACKET
    client.connect(settings.host, settings.port, settings.keepalive, clean_start=True, properties=properties)
