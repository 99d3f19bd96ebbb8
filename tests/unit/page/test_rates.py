"""How often a client may ask."""

from edge_agent.page.rates import MAX_CLIENTS, Rates, client_of


def test_a_burst_and_then_so_many_a_second() -> None:
    rates = Rates(burst=10, per_second=2)
    assert sum(rates.wait_s("a", 100.0) == 0 for _ in range(50)) == 10
    assert sum(rates.wait_s("a", 100.0 + tenth / 10) == 0 for tenth in range(1, 101)) == 20
    assert sum(rates.wait_s("a", 1000.0) == 0 for _ in range(50)) == 10, "no more than a burst is saved up"


def test_whoever_waits_as_long_as_told_is_let_through() -> None:
    rates = Rates(burst=1, per_second=0.25)
    assert rates.wait_s("a", 0.0) == 0
    assert rates.wait_s("a", 0.0) == 4
    assert rates.wait_s("a", 4.0) == 0


def test_one_client_costs_another_nothing() -> None:
    rates = Rates(burst=1, per_second=1)
    assert [rates.wait_s(client, 0.0) == 0 for client in ("a", "a", "b")] == [True, False, True]


def test_any_number_of_clients_takes_bounded_memory() -> None:
    rates = Rates(burst=1, per_second=1)
    for client in range(10 * MAX_CLIENTS):
        rates.wait_s(str(client), 0.0)
        rates.wait_s("heard of again and again", 0.0)
    assert len(rates._buckets) == MAX_CLIENTS
    assert rates.wait_s("heard of again and again", 0.0) > 0


def test_whom_an_address_stands_for() -> None:
    assert client_of("192.168.1.30") == "192.168.1.30"
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:1") != client_of("2001:db8:0:1::1")
    assert client_of("fe80::1") != client_of("fe80::2")
    assert client_of("::ffff:192.168.1.30") != client_of("::ffff:192.168.1.31")
    assert client_of("") == ""
