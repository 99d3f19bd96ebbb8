"""nfcpy's own stand-in for a reader, tags spoken over UDP: the one path that nfcpy opens by itself on any machine."""

import asyncio
from typing import Any

from edge_agent.clock import Clock
from edge_agent.config.devices import NfcSettings
from edge_agent.devices.nfc.device import NfcDevice
from edge_agent.devices.status import Status
from edge_agent.observations import TagGone, TagRead
from tests.support.devices import Recorder, States, supervised

UID = bytes.fromhex("01020304")
# SENS_REQ, anticollision, selection (ISO/IEC 14443-3) of a MIFARE Classic
ANSWERS = {"26": "0400", "9320": "0102030404", "93700102030404": "08"}


class Air(asyncio.DatagramProtocol):
    """The field at the other end: datagrams of a rate and hexadecimal octets."""

    def __init__(self) -> None:
        self.there = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        rate, _, octets = data.decode("ascii").partition(" ")
        if rate == "106A" and self.there and octets in ANSWERS:
            self.transport.sendto(f"106A {ANSWERS[octets]}".encode("ascii"), addr)
        elif rate != "RFOFF":
            self.transport.sendto(b"RFOFF", addr)


async def test_a_tag_over_udp_is_told_and_seen_to_go() -> None:
    transport, air = await asyncio.get_running_loop().create_datagram_endpoint(Air, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    table = {"id": "nfc", "kind": "nfc", "touchpoint": "till-1", "path": f"udp:{host}:{port}"}
    states, recorder = States(), Recorder()
    device = NfcDevice(NfcSettings.model_validate(table), Status(states, Clock()))
    try:
        async with supervised(device, recorder):
            await states.until_last("up")
            air.there = True
            await recorder.until(lambda: recorder.observations == [TagRead("classic", UID)])
            air.there = False
            await recorder.until(lambda: recorder.observations[1:] == [TagGone(UID)])
        assert states.reasons == ["up"]
    finally:
        transport.close()
