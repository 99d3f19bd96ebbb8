"""What of one stream may be sent, and when again: decisions only, no clock, no I/O.

Times are seconds of any monotonic clock. A frame is sent, the broker accepts it (PUBACK), central acknowledges it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge_agent.contract.frames import Frame

# Contract section 4: in flight beyond the watermark, per stream.
MAX_FRAMES = 64
MAX_BYTES = 1024 * 1024

RESEND_SECONDS = 10.0  # contract section 4: no progress while connected, the first frame alone, doubling to 5 min
RESEND_MAX_SECONDS = 300.0
JITTER = 0.2  # up to this much later: a fleet that lost its central at one moment does not ask again at one moment

NO_SUBSCRIBERS = 0x10
NO_SUBSCRIBERS_SECONDS = 1.0  # contract section 4
REFUSED_SECONDS = 1.0  # a frame refused with 0x80 and above: doubling to 5 min
REFUSED_MAX_SECONDS = 300.0

# An unchanged acknowledgement asks for one retry. A central that answers each retry with the same words again would
# make that a loop: it turns once a second at most.
RETRY_SECONDS = 1.0


@dataclass(slots=True)
class Sent:
    """A frame beyond the watermark. ``outstanding``: its last publish has no PUBACK yet; ``accepted``: one had."""

    frame: Frame
    outstanding: bool = True
    accepted: bool = False
    gone: bool = False  # acknowledged, or counted as not sent: a late PUBACK means nothing


class Window:
    """One stream on one connection after the other.

    A connection begins by probing: one frame, and all that the window allows once the broker accepts it. A frame
    that is refused counts as not sent, and so do those after it: probing begins again there.

    When central is silent the first frame is sent again. If central then acknowledges that frame and no more, those
    behind it are lost as well (they were sent before it), and are sent again in bursts that double; if central
    acknowledges more, it was only slow, and nothing else is repeated.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        """``random`` returns a float in [0, 1)."""
        self._random = random
        self.upto = 0
        self.loaded = 0
        self.resends = 0
        self._loose = 0  # the highest sequence let go of while it may have been on its way
        self._sent: deque[Sent] = deque()
        self.start(0)

    def start(self, upto: int) -> None:
        """Begin on a new connection, or again after a lower acknowledgement: nothing after ``upto`` is sent."""
        for sent in self._sent:
            self._let_go(sent)
        self.upto = self.loaded = upto
        self._ready: deque[Frame] = deque()
        self._sent.clear()
        self._bytes = 0
        self._probing = True
        self._not_before = self._refused_at = 0.0
        self._refused_delay = REFUSED_SECONDS
        self._resend_delay = RESEND_SECONDS
        self._resend_at = 0.0
        self._heard_at = 0.0
        self._retried_at = -RETRY_SECONDS
        self._burst = self._resent = 0

    # --- what to send ---

    def wants(self, last: int, now: float) -> bool:
        """Tell whether frames after ``loaded`` should be read; ``last`` is the newest sequence there is."""
        return not self._ready and self.loaded < last and not self._burst and self._open(now)

    def offer(self, after: int, frames: Iterable[Frame]) -> None:
        """Take frames read after sequence ``after``; ignored if that is no longer where the window stands."""
        if after == self.loaded and not self._ready:
            self._ready.extend(frame for frame in frames if frame.last > after)
            if self._ready:
                self.loaded = self._ready[-1].last

    def take(self, now: float) -> Sent | None:
        """Return the frame to publish now, or None. It is in flight from here on."""
        self._check_silence(now)
        if self._burst:
            return self._take_again()
        if not self._ready or not self._open(now):
            return None
        frame = self._ready[0]
        if self._sent and self._bytes + len(frame.body) > MAX_BYTES:
            return None
        sent = Sent(self._ready.popleft())
        if not self._sent:
            self._arm(now)
            self._heard_at = now
        self._sent.append(sent)
        self._bytes += len(frame.body)
        return sent

    def is_behind(self, last: int, now: float) -> bool:
        """Tell whether something up to ``last`` could go now; while an answer is awaited nothing can."""
        if not self._open(now) or (self._ready and self._sent and self._bytes + len(self._ready[0].body) > MAX_BYTES):
            return False
        return bool(self._ready) or self.loaded < last

    def deadline(self, now: float) -> float | None:
        """Return when, after ``now``, ``take`` may have more to say without anything else happening."""
        times = [self._not_before, self._resend_at if self._sent else now]
        return min((time for time in times if time > now), default=None)

    # --- what came back ---

    def accepted(self, sent: Sent) -> None:
        """Note a PUBACK of success."""
        sent.outstanding = False
        sent.accepted = True
        if not sent.gone:
            self._flows()

    def unconfirmed(self, now: float) -> float:
        """Return for how many seconds central has said nothing of what the broker took for it."""
        return now - self._heard_at if self._sent and self._sent[0].accepted else 0.0

    @property
    def sent_upto(self) -> int:
        """The highest sequence beyond the watermark that may have reached somebody; what was refused has not."""
        return max(self._loose, self._sent[-1].frame.last if self._sent else 0)

    def accepted_upto(self) -> int:
        """Return the last sequence that the broker has accepted without a hole."""
        upto = self.upto
        for sent in self._sent:
            if not sent.accepted:
                break
            upto = sent.frame.last
        return upto

    def refused(self, sent: Sent, code: int, now: float) -> None:
        """Note a PUBACK that means "not delivered": 0x10 (nobody listens) or a failure."""
        sent.outstanding = False
        if sent.gone:
            return
        while True:
            last = self._sent.pop()
            self._bytes -= len(last.frame.body)
            if last is sent:
                sent.gone = True
                break
            self._let_go(last)
        self._ready.clear()
        self.loaded = self._sent[-1].frame.last if self._sent else max(self.upto, sent.frame.first - 1)
        self._burst = self._resent = 0
        self._probing = True
        self._not_before = now + self._pause(code)
        self._refused_at = now

    def block(self, now: float) -> None:
        """Note that the next frame cannot be sent at all now: try again as if it had been refused."""
        self._not_before = now + self._pause(0x80)
        self._refused_at = now

    def acknowledged(self, upto: int, now: float) -> Frame | None:
        """Note central's higher watermark. Returns the newest frame that it covers, if one was in flight."""
        newest = None
        popped = 0
        while self._sent and self._sent[0].frame.last <= upto:
            sent = self._sent.popleft()
            sent.gone = True
            self._bytes -= len(sent.frame.body)
            newest = sent.frame
            popped += 1
        self.upto = upto
        self.loaded = max(self.loaded, upto)
        while self._ready and self._ready[0].last <= upto:
            self._ready.popleft()
        self._resend_delay = RESEND_SECONDS
        self._arm(now)
        self._heard_at = now
        self._flows()
        self._advance_burst(popped)
        return newest

    def unchanged(self, now: float) -> None:
        """Note that central has said the same again: it may have restarted and lost what it had not stored."""
        if now - self._retried_at >= RETRY_SECONDS:
            self._begin_burst(now)

    def hurry(self, now: float) -> None:
        """Try what was refused again at once, but not twice within ``REFUSED_SECONDS``; its pauses go on growing."""
        self._not_before = min(self._not_before, max(now, self._refused_at + REFUSED_SECONDS))

    def _open(self, now: float) -> bool:
        if now < self._not_before or len(self._sent) >= MAX_FRAMES or self._bytes >= MAX_BYTES:
            return False
        return not self._probing or not self._sent or self._sent[-1].accepted

    def _let_go(self, sent: Sent) -> None:
        sent.gone = True
        self._loose = max(self._loose, sent.frame.last)

    def _flows(self) -> None:
        self._probing = False
        self._not_before = 0.0
        self._refused_delay = REFUSED_SECONDS

    def _pause(self, code: int) -> float:
        if code == NO_SUBSCRIBERS:
            return NO_SUBSCRIBERS_SECONDS
        pause = self._later(self._refused_delay)
        self._refused_delay = min(2 * self._refused_delay, REFUSED_MAX_SECONDS)
        return pause

    def _later(self, seconds: float) -> float:
        return seconds * (1 + JITTER * self._random())

    def _arm(self, now: float) -> None:
        self._resend_at = now + self._later(self._resend_delay)

    def _check_silence(self, now: float) -> None:
        if self._sent and now >= self._resend_at:
            self._resend_delay = min(2 * self._resend_delay, RESEND_MAX_SECONDS)
            self._arm(now)
            self._begin_burst(now)

    def _begin_burst(self, now: float) -> None:
        # What has no PUBACK yet is on its way, or the link is about to be given up.
        if self._sent and not self._sent[0].outstanding:
            self._burst, self._resent = 1, 0
            self._retried_at = now

    def _take_again(self) -> Sent | None:
        if self._resent >= min(self._burst, len(self._sent)) or self._sent[self._resent].outstanding:
            return None
        sent = self._sent[self._resent]
        sent.outstanding = True
        self._resent += 1
        self.resends += 1
        return sent

    def _advance_burst(self, popped: int) -> None:
        if not self._burst:
            return
        if popped > self._resent or not self._sent:
            self._burst = self._resent = 0
            return
        self._resent -= popped
        if not self._resent:
            self._burst = min(2 * self._burst, MAX_FRAMES)
