"""Head office's word on business days, on its way to the books."""

from collections.abc import Sequence

from edge_agent.clock import Clock
from edge_agent.contract.messages import DayAnswer
from edge_agent.generation.backlog import Backlog
from edge_agent.generation.commits import Commits
from edge_agent.generation.judging import judge_days, log_defect
from edge_agent.health import Health
from edge_agent.shop.shop import Shop

LIMIT = 100  # words that wait for the disk; each is said again with the next acknowledgement


class Answers:
    """What head office has said and what is not recorded yet."""

    def __init__(self, shop: Shop, commits: Commits, health: Health, clock: Clock) -> None:
        self.waiting: Backlog[tuple[Sequence[DayAnswer], bool]] = Backlog(LIMIT)
        self._shop = shop
        self._commits = commits
        self._health = health
        self._clock = clock

    async def run(self) -> None:
        """Record one after another. Raises StorageError."""
        while True:
            said = await self.waiting.first()
            answers, settled = said
            try:
                outcome = self._shop.answered(answers, settled=settled)
            except Exception as error:  # noqa: BLE001 - a defect in the proof must not stop the tills
                log_defect("day_answer", error)
                self._commits.restore()
            else:
                await self._commits.commit(outcome)
                judge_days(self._shop.proof, self._health, self._clock.now())
                if outcome.state:
                    self._health.news()
            self.waiting.recorded(said)
