"""What the PN532's firmware makes of commands (NXP UM0701-02, section 7): command bytes in, response bytes out.

Only what a reader of tags uses; every other command is answered by the error frame. The field holds one tag at most.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.simulator.tags.drawer import Tag

FIRMWARE = bytes.fromhex("32010607")  # IC PN532, version 1.6, ISO/IEC 14443 A and B and ISO 18092
# 5 ms of guard time after the field is switched on (ISO/IEC 14443-3, NFC Forum Digital GT) and the time-outs of the two
# tries nfcpy asks for. A choice: modules were seen to take 5 to 30 ms.
EMPTY_POLL_S = 0.010
# Request, anticollision and selection of a seven-byte UID are 60 bytes on air at 106 kbit/s. Likewise a choice.
LISTED_S = 0.006
EXCHANGE_S = 0.001  # the firmware's own share of an exchange: a choice
BYTE_ON_AIR_S = 9 / 106e3  # eight bits and parity at 106 kbit/s, the slowest

OK, TIMEOUT, CRC_ERROR = 0x00, 0x01, 0x02
SENS_REQ = 0x26
FIFO_DATA, TX_MODE, RX_MODE, TX_CONTROL = 0x6339, 0x6302, 0x6303, 0x6304
CRC = 0x80  # in TX_MODE and RX_MODE
MODES = {0: CRC, 1: CRC | 0x12, 2: CRC | 0x22}  # after InListPassiveTarget: 106A, 212F, 424F
BAUDRATES = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1288000)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, its code included, and how long the chip takes for it. ``data`` None: the error frame."""

    data: bytes | None
    after_s: float = 0.0


class Chip:
    """One PN532 and what lies on it.

    ``tell`` is called with what a bystander would see: ``{"tap": …}`` when a tag was first listed, ``{"left": …}`` when
    one left by itself, ``{"gpio": [p3, p7]}`` when the host moved its pins.
    """

    def __init__(self, tell: Callable[[dict[str, object]], None]) -> None:
        self.baudrate = 115200
        self.baudrate_wanted = 115200  # comes into force with the host's next ACK
        self._tell = tell
        self._tag: Tag | None = None
        self._exchanges_left = math.inf
        self._listed = False
        self._registers: dict[int, int] = {}
        self._retry_timeout = 0x0A
        self._pins = [0xFF, 0xFF]
        self._commands = {
            0x00: self._diagnose,
            0x02: self._firmware,
            0x04: self._status,
            0x06: self._read_register,
            0x08: self._write_register,
            0x0C: self._read_gpio,
            0x0E: self._write_gpio,
            0x10: self._set_baudrate,
            0x12: self._nothing,  # SetParameters
            0x14: self._nothing,  # SAMConfiguration
            0x16: self._power_down,
            0x32: self._configure_rf,
            0x40: self._exchange,
            0x42: self._communicate,
            0x4A: self._list,
        }

    def power_up(self) -> None:
        """Forget everything but what lies in the field: what a cable pulled and put back does."""
        self.baudrate = self.baudrate_wanted = 115200
        self._registers.clear()
        self._retry_timeout = 0x0A

    def put(self, tag: Tag, leave_after: int | None = None) -> None:
        """Bring ``tag`` into the field, instead of what was there; it leaves after that many exchanges."""
        tag.power_off()
        self._tag = tag
        self._exchanges_left = math.inf if leave_after is None else leave_after
        self._listed = False

    def take(self) -> None:
        """Empty the field."""
        self._tag = None

    def execute(self, command: bytes) -> Reply:
        """Return the reply to a command's code and parameters."""
        run = self._commands.get(command[0])
        if run is None:
            return Reply(None)
        reply = run(command[1:])
        if reply.data is None:
            return reply
        return Reply(bytes([command[0] + 1]) + reply.data, reply.after_s)

    def _nothing(self, _data: bytes) -> Reply:
        return Reply(b"")

    def _diagnose(self, data: bytes) -> Reply:
        if data[:1] == b"\x00":
            return Reply(data)  # the line test: echo
        return Reply(b"\x00") if data in (b"\x01", b"\x02") else Reply(None)  # ROM, RAM: good

    def _firmware(self, _data: bytes) -> Reply:
        return Reply(FIRMWARE)

    def _status(self, _data: bytes) -> Reply:
        return Reply(bytes([OK, self._registers.get(TX_CONTROL, 0) & 3 != 0, 0, 0]))

    def _read_register(self, data: bytes) -> Reply:
        addresses = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        return Reply(bytes(self._registers.get(address, 0) for address in addresses))

    def _write_register(self, data: bytes) -> Reply:
        for at in range(0, len(data), 3):
            self._registers[int.from_bytes(data[at : at + 2], "big")] = data[at + 2]
        return Reply(b"")

    def _read_gpio(self, _data: bytes) -> Reply:
        return Reply(bytes([*self._pins, 0]))

    def _write_gpio(self, data: bytes) -> Reply:
        before = list(self._pins)
        for pin, value in enumerate(data[:2]):
            if value & 0x80:  # the validation bit: 0 leaves the port as it is
                self._pins[pin] = value & 0x7F
        if self._pins != before:
            self._tell({"gpio": self._pins})
        return Reply(b"")

    def _set_baudrate(self, data: bytes) -> Reply:
        if len(data) != 1 or data[0] >= len(BAUDRATES):
            return Reply(None)
        self.baudrate_wanted = BAUDRATES[data[0]]
        return Reply(b"")

    def _power_down(self, _data: bytes) -> Reply:
        self._field_off()
        return Reply(bytes([OK]))

    def _configure_rf(self, data: bytes) -> Reply:
        match data[0], len(data):
            case 0x01, 2 if data[1] & 1:
                self._registers[TX_CONTROL] = 0x83
            case 0x01, 2:
                self._field_off()
            case 0x02, 4:
                self._retry_timeout = data[3]
        return Reply(b"")

    def _field_off(self) -> None:
        self._registers[TX_CONTROL] = 0x80
        if self._tag is not None:
            self._tag.power_off()

    def _list(self, data: bytes) -> Reply:
        kind, initiator = data[1], data[2:]
        self._registers[TX_CONTROL] = 0x83
        found = self._find(kind, initiator)
        if found is None:
            return Reply(b"\x00", EMPTY_POLL_S)
        self._registers[TX_MODE] = self._registers[RX_MODE] = MODES[kind]
        self._tell_tap()
        return Reply(b"\x01\x01" + found, LISTED_S)

    def _find(self, kind: int, initiator: bytes) -> bytes | None:
        self._registers[FIFO_DATA] = SENS_REQ  # what was sent last is still there if nobody answered
        if self._tag is None or kind not in self._tag.polls:
            return None
        self._registers[FIFO_DATA] = 0
        return self._tag.poll(initiator)

    def _tell_tap(self) -> None:
        if self._tag is not None and not self._listed:
            self._listed = True
            self._tell({"tap": {"kind": self._tag.kind, "uid": self._tag.uid.hex().upper()}})

    def _communicate(self, data: bytes) -> Reply:
        answer = self._on_air(data)
        if answer is None:
            # 100 microseconds, doubled with each step; 0: none (UM0701-02, RFConfiguration item 2)
            waited = 100e-6 * 2 ** (self._retry_timeout - 1) if self._retry_timeout else 1.0
            return Reply(bytes([TIMEOUT]), waited)
        after = EXCHANGE_S + (len(data) + len(answer)) * BYTE_ON_AIR_S
        checked = self._registers.get(RX_MODE, 0) & CRC
        if self._tag is not None and self._tag.nibbles and len(answer) == 1:
            return Reply(bytes([CRC_ERROR]) if checked else bytes([OK]) + answer, after)
        return Reply(bytes([OK]) + (answer if checked else answer + crc_a(answer)), after)

    def _exchange(self, data: bytes) -> Reply:
        """Answer InDataExchange; not for tags of Type 4, whose blocks the firmware would have to make."""
        if self._tag is not None and self._tag.blocks:
            return Reply(None)
        mode = self._registers.get(RX_MODE, 0)
        self._registers[RX_MODE] = mode | CRC
        reply = self._communicate(data[1:])
        self._registers[RX_MODE] = mode
        return reply

    def _on_air(self, data: bytes) -> bytes | None:
        if self._tag is None:
            return None
        if self._exchanges_left <= 0:
            self._tell({"left": {"kind": self._tag.kind, "uid": self._tag.uid.hex().upper()}})
            self._tag = None
            return None
        self._exchanges_left -= 1
        return self._tag.exchange(data)


def crc_a(data: bytes) -> bytes:
    """Return the two CRC bytes of Type A (ISO/IEC 14443-3, annex B), as they follow ``data`` on air."""
    crc = 0x6363
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")
