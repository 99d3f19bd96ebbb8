from edge_agent.uplink.steadiness import Steadiness


def flapping() -> Steadiness:
    steadiness = Steadiness()
    for _ in range(3):
        steadiness.lasted(5)
    return steadiness


def test_a_few_short_connections_are_forgiven() -> None:
    steadiness = Steadiness()
    steadiness.lasted(5)
    steadiness.lasted(5)
    assert steadiness.steady
    assert steadiness.wrong("refused", "").code == "refused"


def test_a_line_that_comes_and_goes_is_called_so_until_a_healthy_minute() -> None:
    steadiness = flapping()
    assert not steadiness.steady
    assert {steadiness.wrong(reason, "").code for reason in ("refused", "closed", "timeout")} == {"unsteady"}
    steadiness.lasted(60)
    assert steadiness.steady


def test_what_needs_somebody_is_said_all_the_same() -> None:
    assert flapping().wrong("session_taken_over", "").code == "session_taken_over"


def test_a_line_that_stays_away_is_told_by_its_reason() -> None:
    steadiness = flapping()
    for _ in range(3):
        steadiness.failed()
    assert steadiness.wrong("refused", "").code == "refused"


def test_reasons_that_take_turns_are_news_once_an_outage() -> None:
    steadiness = Steadiness()
    assert [steadiness.is_news(code) for code in ("closed", "refused", "closed", "refused")] == [
        True,
        True,
        False,
        False,
    ]
    steadiness.cured()
    assert steadiness.is_news("refused")
