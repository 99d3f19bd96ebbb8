import random

from edge_agent.uplink.backoff import Backoff


def test_the_ceiling_doubles_from_one_second_to_sixty() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_jitter_is_full() -> None:
    seeded = random.Random(7)
    waits = []
    for _ in range(2_000):
        backoff = Backoff(seeded.random)
        waits.append(max(backoff.next() for _ in range(7)))
    early = [Backoff(seeded.random).next() for _ in range(2_000)]
    assert 0.4 < sum(early) / len(early) < 0.6
    assert min(early) < 0.01
    assert max(waits) > 55


def test_only_a_healthy_minute_begins_again() -> None:
    backoff = Backoff(lambda: 1.0)
    backoff.next(), backoff.next()
    backoff.connected_for(59.9)
    assert backoff.next() == 4
    backoff.connected_for(60.0)
    assert backoff.next() == 1


def test_a_returning_network_begins_again() -> None:
    backoff = Backoff(lambda: 1.0)
    backoff.next(), backoff.next()
    backoff.reset()
    assert backoff.next() == 1
