"""Wrong codes: how long none is looked at, after too many of them."""

from dataclasses import dataclass

FREE = 5  # somebody who mistypes, and tries the code of the other shop
FIRST_WAIT_S = 30
# With one try each 15 minutes at most 96 a day: half of a million codes takes 14 years.
LONGEST_WAIT_S = 15 * 60


@dataclass(slots=True)
class Tries:
    """The wrong tries in a row. Times are milliseconds of a clock that never steps."""

    wrong: int = 0
    _until_ms: int = 0

    def take(self, now_ms: int) -> int:
        """Count one more try as wrong, which it is until it proves right.

        Returns 0, or how many seconds to wait: then it is not counted, and must not be looked at.

        A try is counted before it is looked at, so that a thousand at once are no more than a thousand in a row.
        """
        if now_ms < self._until_ms:
            return -(-(self._until_ms - now_ms) // 1000)
        self.wrong += 1
        if self.wrong >= FREE:
            doublings = min(self.wrong - FREE, LONGEST_WAIT_S.bit_length())
            self._until_ms = now_ms + 1000 * min(FIRST_WAIT_S << doublings, LONGEST_WAIT_S)
        return 0

    def forget(self) -> None:
        """Begin again: somebody gave the right code."""
        self.wrong = 0
        self._until_ms = 0
