"""One card on a PC/SC reader, by the plain calls of pyscard; blocking, for the reader's thread."""

from collections.abc import Callable
from contextlib import suppress

from smartcard import scard

from edge_agent.devices.tag_apdus import TornError
from edge_agent.errors import DeviceError

# pcscd is not there, or not the one any more that gave out the handles.
_NO_SERVICE = frozenset(
    (
        scard.SCARD_E_NO_SERVICE,
        scard.SCARD_E_SERVICE_STOPPED,
        scard.SCARD_E_INVALID_HANDLE,
        scard.SCARD_F_COMM_ERROR,
        scard.SCARD_F_INTERNAL_ERROR,
    )
)
_NO_READER = frozenset((scard.SCARD_E_READER_UNAVAILABLE, scard.SCARD_E_UNKNOWN_READER))

# The second one, a connection closed before its greeting: polkit's refusal, and for a moment a pcscd that is dying.
_NOT_FOR_US = frozenset((scard.SCARD_E_NO_ACCESS, scard.SCARD_W_SECURITY_VIOLATION))

_HEADERS = {
    scard.SCARD_PROTOCOL_T0: scard.SCARD_PCI_T0,
    scard.SCARD_PROTOCOL_T1: scard.SCARD_PCI_T1,
}


def check(result: int, name: str) -> None:
    """Raise DeviceError for a result that speaks of the reader or of pcscd, TornError for any other failure."""
    if result == scard.SCARD_S_SUCCESS:
        return
    text = scard.SCardGetErrorMessage(result)
    if result in _NO_SERVICE:
        raise DeviceError("no_service", f"{name}: pcscd does not answer: systemctl status pcscd.socket ({text})")
    if result in _NO_READER:
        raise DeviceError("unplugged", f"{name}: {text}")
    if result in _NOT_FOR_US:
        raise DeviceError("permission", f"{name}: pcscd lets this user not in: see docs/pcsc.md on polkit ({text})")
    if result == scard.SCARD_E_SHARING_VIOLATION:
        raise DeviceError("busy", f"{name}: another program keeps the reader to itself")
    raise TornError(text)


class Card:
    """A connected card; shared, so that other programs that are as polite can use the reader, too."""

    def __init__(self, context: int, reader: str, beat: Callable[[], None]) -> None:
        """``beat`` is called before each exchange.

        Raises TornError if the card does not wake up, DeviceError if it is the reader's or pcscd's fault.
        """
        self._reader = reader
        self._beat = beat
        result, self._handle, self._protocol = scard.SCardConnect(
            context, reader, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_ANY
        )
        check(result, reader)

    def transmit(self, command: bytes) -> bytes:
        """Return the card's or the reader's answer to an APDU. Raises as the constructor does."""
        self._beat()
        header = _HEADERS.get(self._protocol, scard.SCARD_PCI_RAW)
        result, answer = scard.SCardTransmit(self._handle, header, list(command))
        check(result, self._reader)
        return bytes(answer)

    def reset(self) -> None:
        """Wake it up anew, after an exchange that failed. Raises as the constructor does."""
        result, self._protocol = scard.SCardReconnect(
            self._handle, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_ANY, scard.SCARD_RESET_CARD
        )
        check(result, self._reader)

    def signal(self, command: bytes) -> None:
        """Send a command to the reader itself; whether it understands it does not matter."""
        with suppress(TornError, DeviceError):
            self.transmit(command)

    def close(self) -> None:
        """Let go of it; it keeps its power, as it may be somebody else's, too."""
        scard.SCardDisconnect(self._handle, scard.SCARD_LEAVE_CARD)
