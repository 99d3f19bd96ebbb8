from edge_agent.shop.papers import KEEP_MS, SUSPECT_MS, Paper, Papers

NOW = 1_795_000_000_000
PAPER = Paper("sh-0001", "137", "2026-11-22T10:31:05", "body")


def test_the_same_paper_is_known_again_and_another_is_not() -> None:
    papers = Papers({})
    assert papers.order_of(PAPER, NOW) is None
    papers.remember(PAPER, "order-1", NOW)
    assert papers.order_of(PAPER, NOW) == "order-1"
    for other in (
        Paper("sh-0002", "137", "2026-11-22T10:31:05", "body"),
        Paper("sh-0001", "138", "2026-11-22T10:31:05", "body"),
        Paper("sh-0001", "137", "2026-11-22T10:31:06", "body"),
        Paper("sh-0001", "137", "2026-11-22T10:31:05", "other"),
    ):
        assert papers.order_of(other, NOW) is None


def test_only_number_and_time_together_are_certain() -> None:
    assert PAPER.is_certain
    assert not Paper("s", None, "2026-11-22T10:31:05", "body").is_certain
    assert not Paper("s", "137", None, "body").is_certain


def test_rows_bring_the_memory_back() -> None:
    row = Papers({}).remember(PAPER, "order-1", NOW)
    assert row.value is not None
    assert row.expires_ms == NOW + KEEP_MS
    assert Papers({row.key: row.value}).order_of(PAPER, NOW + 1) == "order-1"


def test_memory_fades() -> None:
    papers = Papers({})
    papers.remember(PAPER, "order-1", NOW)
    uncertain = Paper("sh-0001", None, None, "body")
    papers.remember(uncertain, "order-2", NOW)
    assert papers.order_of(uncertain, NOW + SUSPECT_MS) is None
    assert papers.order_of(PAPER, NOW + SUSPECT_MS) == "order-1"
    assert papers.order_of(PAPER, NOW + KEEP_MS) is None


def test_memory_stays_bounded_over_many_days() -> None:
    papers = Papers({})
    for slip in range(20_000):
        paper = Paper("sh-0001", str(slip), "2026-11-22T10:31:05", "body")
        papers.remember(paper, "order", NOW + slip * KEEP_MS // 1000)
    assert len(papers._seen) <= 1001
