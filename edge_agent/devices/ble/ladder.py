"""What to try on a radio that hears nothing or does not start, and how often. Pure: the times are handed in."""

from dataclasses import dataclass

# A start that BlueZ refuses is refused again for as long as its own idea of discovery is stuck, which only power ends
# (bluez/bluez#807, bleak's manager says so too). Three refusals in a row were seen to pass by themselves.
FAILURES_BEFORE_POWER = 4
SILENCES_BEFORE_POWER = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds.

    ``silence``: without a single advertisement before the scanner is replaced: three quarters of the 60 s after which a
    badge that is not heard has left, so that a scanner which got stuck hears again before anybody is taken to have
    left. It doubles while nothing or only a passer-by is heard, up to ``silence_cap``: a shop at night looks just like
    it, and a scanner replaced once an hour costs nothing.
    ``power``: between two times the agent touches the power of the adapter: that also cuts off keyboards and scanners
    connected by Bluetooth.
    ``start``, ``stop``, ``answer``: for the scanner's start, its stop, any other answer from BlueZ. BlueZ answers
    within milliseconds; D-Bus itself gives up after 25.
    ``stopped``: Discovering may be false for a moment while Powered is on its way.
    ``look``: between two looks at what nobody reports.
    ``batch``: what arrives within it is handed over together.
    """

    silence: float = 45.0
    silence_cap: float = 3600.0
    power: float = 600.0
    start: float = 15.0
    stop: float = 5.0
    answer: float = 5.0
    stopped: float = 1.0
    look: float = 1.0
    batch: float = 0.1


class Ladder:
    """Rebuild the scanner, then cycle the adapter's power once, then keep trying ever more rarely.

    Every ``now`` is in seconds of one clock that does not step.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._silences = 0
        self._failures = 0
        self._wants_power = False
        self._power_from = float("-inf")  # the power may be touched again from then on
        self._heard = self._steady_from = float("-inf")

    def heard(self, now: float) -> None:
        """Note an advertisement. Whatever was wrong is not any more once they come without a gap for ``silence``.

        One alone proves nothing: a passer-by every five minutes of a night would have the power cycled every ten.
        """
        self._failures = 0
        self._wants_power = False
        if now - self._heard > self._patience.silence:
            self._steady_from = now
        self._heard = now
        if now - self._steady_from >= self._patience.silence:
            self._silences = 0

    def silent(self) -> None:
        """Note that the silence has lasted for ``silence_allowed``."""
        self._silences += 1
        self._wants_power |= self._silences == SILENCES_BEFORE_POWER

    def failed(self) -> None:
        """Note that a scanner did not start."""
        self._failures += 1
        self._wants_power |= self._failures % FAILURES_BEFORE_POWER == 0

    @property
    def exhausted(self) -> bool:
        """Whether rebuilding and power have been tried on a silence, and it goes on."""
        return self._silences >= SILENCES_BEFORE_POWER

    @property
    def silence_allowed(self) -> float:
        """The seconds of silence after which something is tried."""
        doubled = self._patience.silence * (1 << min(self._silences, 16))
        return min(doubled, self._patience.silence_cap)

    def power_cycle_due(self, now: float) -> bool:
        """Tell whether the power is to be cycled now."""
        return self._wants_power and self.power_allowed(now)

    def power_allowed(self, now: float) -> bool:
        """Tell whether the power may be touched."""
        return now >= self._power_from

    def power_touched(self, now: float, *, taken: bool) -> None:
        """Note that the power was touched; not ``taken``: BlueZ refused, so it may be asked again soon."""
        self._wants_power = False
        self._power_from = now + (self._patience.power if taken else self._patience.power / 60)
