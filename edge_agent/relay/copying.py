"""The agent's copy, without I/O: what the relay holds for it, and what each side says to the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge_agent.relay.messages import Acked, Bind, Data, Hello, Lost, ProtocolError

# What is held for an agent that is away: 6 minutes of a 115,200 baud line that never pauses, or 2,700 receipts of
# 1.5 KB, more than a busy till prints in a day.
SPOOL = 4 * 1024 * 1024
CHUNK = 64 * 1024


class Spool:
    """The newest bytes of a stream that nobody has taken over yet, by absolute offset."""

    def __init__(self, begin: int = 0, *, limit: int = SPOOL) -> None:
        """``begin``: offset of the first byte that will come. ``limit``: beyond it the oldest bytes go."""
        self.begin = begin  # the oldest byte held
        self._limit = limit
        self._bytes = bytearray()

    @property
    def end(self) -> int:
        """Offset behind the newest byte."""
        return self.begin + len(self._bytes)

    def append(self, data: bytes) -> None:
        """Keep bytes; where the limit is reached the oldest go."""
        self._bytes += data
        self.forget(self.end - self._limit)

    def forget(self, upto: int) -> None:
        """Let go of everything before ``upto``."""
        count = min(upto, self.end) - self.begin
        if count > 0:
            del self._bytes[:count]
            self.begin += count

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to ``limit`` bytes from ``offset`` on, which must be held."""
        at = offset - self.begin
        return bytes(self._bytes[at : at + limit])


class Sender:
    """The relay's side of one connection after another."""

    def __init__(self, spool: Spool, bound: Bind | None, remember: Callable[[Bind], None]) -> None:
        """``bound``: what the last agent said, in this life or one before; ``remember`` keeps it for the next."""
        self._spool = spool
        self.bound = bound  # what the agent said last
        self._remember = remember
        self._next: int | None = None  # None: nobody has said from where
        self._sent = spool.end  # what is in the spool already, the life before this one may have sent

    def hello(self, identity: str, fingerprint: str) -> Hello:
        """Return the first word of a connection."""
        return Hello(identity, fingerprint, self._spool.begin, self._sent, self.bound)

    def bind(self, bind: Bind) -> None:
        """Take up sending where the agent wants it."""
        # An agent that is ahead has outlived what this relay knows of the time before a power cut.
        self._next = min(bind.offset, self._spool.end)
        self.bound = Bind(self._next, bind.position)
        self._remember(self.bound)
        self._spool.forget(self._next)

    def acked(self, acked: Acked) -> None:
        """Let go of what the agent keeps."""
        self._spool.forget(acked.upto)

    def messages(self) -> Iterator[Data | Lost]:
        """Yield what can be sent now; advance it only while the other side takes it."""
        while self._next is not None and self._next < self._spool.end:
            if self._next < self._spool.begin:
                lost, self._next = Lost(self._next, self._spool.begin), None
                yield lost
                return
            data = self._spool.read(self._next, CHUNK)
            offset, self._next = self._next, self._next + len(data)
            self._sent = max(self._sent, self._next)
            yield Data(offset, data)

    @property
    def settled(self) -> bool:
        """Whether the agent keeps everything there is."""
        return self._spool.begin == self._spool.end


@dataclass(slots=True)
class Receiver:
    """The agent's side. ``position``: how many bytes of its line it keeps, over all its lives."""

    position: int
    _relay: str = ""
    _offset: int = 0

    def hello(self, hello: Hello) -> tuple[Bind, bool]:
        """Return where to go on, and whether that is a guess: another relay, which does not know where it was."""
        guessed = hello.bound is None and self._relay not in {"", hello.identity}
        if hello.bound is not None:
            # Below zero: the line was begun afresh, its past is not known here either. Beyond what was ever sent: the
            # line was read without a relay in between, or this one forgot it by a power cut; what comes now is new.
            self._offset = max(0, hello.bound.offset + self.position - hello.bound.position)
        else:
            self._offset = 0 if not guessed else hello.begin
        self._offset = min(self._offset, hello.end)
        self._relay = hello.identity
        return Bind(self._offset, self.position), guessed

    def data(self, data: Data) -> tuple[bytes, Acked]:
        """Return what is new, and what to answer once it is kept. Raises ProtocolError: something is left out."""
        if data.offset > self._offset:
            raise ProtocolError(f"byte {data.offset} where {self._offset} was to come")
        new = data.data[max(0, self._offset - data.offset) :]
        self._offset += len(new)
        self.position += len(new)
        return new, Acked(self._offset)

    def lost(self, lost: Lost) -> Bind:
        """Skip what is gone; return what to answer once it is told."""
        self._offset = max(self._offset, lost.last)
        return Bind(self._offset, self.position)
