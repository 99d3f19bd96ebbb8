import random

import pytest

from edge_agent.clock import Clock, Moment, TimeQuality
from edge_agent.decoders import linedisplay
from edge_agent.devices.line_status import ENOUGH, FLOOD, WINDOW, LineStatus
from edge_agent.devices.status import DeviceState
from edge_agent.observations import Decoded, DisplayText, Scan, Undecoded
from tests.support.devices import States


class Stopped(Clock):
    """A clock that stands where the test puts it."""

    uptime_ms = 1_000

    def now(self) -> Moment:
        return Moment(1_700_000_000_000 + self.uptime_ms, self.uptime_ms, "boot", TimeQuality.SYNCED)


RATE = 960  # 9600 baud


def new(clock: Clock | None = None) -> tuple[LineStatus, States]:
    states = States()
    return LineStatus(states, clock or Stopped(), rate=RATE), states


def noise(count: int) -> Undecoded:
    return Undecoded(random.Random(count).randbytes(count), "noise")


def hear(status: LineStatus, *observations: Decoded, consumed: int) -> None:
    status.received(consumed)
    status.understood(observations, consumed)


def test_only_changes_are_reported() -> None:
    status, states = new()
    status.down("missing", "first try")
    status.down("missing", "second try")
    status.down("busy")
    status.up()
    status.up()
    assert states.all == [DeviceState("down", "missing", "first try"), DeviceState("down", "busy"), DeviceState("up")]


def test_a_wrong_baud_rate_degrades_and_readable_data_heals() -> None:
    status, states = new()
    status.up()
    for _ in range(100):
        hear(status, noise(30), consumed=30)
    assert states.reasons == ["up", "unreadable"]
    for _ in range(WINDOW // 30):
        hear(status, Scan("6901234567892"), consumed=30)
    assert states.reasons == ["up", "unreadable", "up"]


def test_the_noise_of_plugging_in_is_not_judged() -> None:
    status, states = new()
    status.up()
    hear(status, noise(ENOUGH - 1), consumed=ENOUGH - 1)
    assert states.reasons == ["up"]


def test_a_noisy_line_that_is_mostly_readable_is_up() -> None:
    status, states = new()
    status.up()
    for _ in range(200):
        hear(status, noise(2), Scan("6901234567892"), consumed=100)
    assert states.reasons == ["up"]


def test_the_state_does_not_flicker_between_the_marks() -> None:
    status, states = new()
    status.up()
    for _ in range(50):
        hear(status, noise(60), consumed=60)
    for _ in range(200):
        hear(status, noise(4), Scan("6901234567892"), consumed=100)
    assert states.reasons == ["up", "unreadable"]


def test_text_for_a_display_on_the_same_line_is_no_noise() -> None:
    status, states = new()
    status.up()
    for _ in range(50):
        hear(status, Undecoded(b"\x1b=\x02TOTAL 12.00\x1b=\x01", "display"), consumed=20)
    assert states.reasons == ["up"]


def test_a_line_that_never_stops_and_says_nothing_floods_until_it_says_something() -> None:
    clock = Stopped()
    status, states = new(clock)
    status.up()
    for _ in range(FLOOD // 4096 + 1):
        clock.uptime_ms += 4096 * 1000 // RATE  # at line rate
        hear(status, consumed=4096)
    assert states.reasons == ["up", "flooding"]
    hear(status, Scan("6901234567892"), consumed=14)
    assert states.reasons == ["up", "flooding", "up"]


def test_a_badly_set_line_in_normal_use_is_unreadable_and_never_flooding() -> None:
    clock = Stopped()
    status, states = new(clock)
    status.up()
    for _ in range(2 * FLOOD // 1000):
        clock.uptime_ms += 30_000  # a receipt every half minute
        hear(status, noise(1000), consumed=1000)
    assert states.reasons == ["up", "unreadable"]


def test_a_device_that_comes_back_is_judged_afresh() -> None:
    status, states = new()
    status.up()
    hear(status, noise(1000), consumed=1000)
    status.down("unplugged")
    hear(status, noise(10), consumed=10)
    assert states.reasons == ["up", "unreadable", "unplugged"]
    status.up()
    hear(status, Scan("6901234567892"), consumed=14)
    assert states.reasons == ["up", "unreadable", "unplugged", "up"]


def test_last_data_is_the_moment_of_the_last_byte() -> None:
    clock = Stopped()
    status, _ = new(clock)
    assert status.last_data is None
    status.received(0)
    assert status.last_data is None
    moment = status.received(3)
    assert status.last_data == moment == clock.now()


def test_a_line_displays_wrong_dialect_degrades_after_five_figures_and_the_right_one_heals() -> None:
    status, states = new()
    status.up()
    figure = Undecoded(b"\x1bs\x03\x01\x1bQA16.00\r", "implausible")
    for _ in range(3):
        hear(status, figure, consumed=len(figure.data))
    assert states.reasons == ["up"]
    for _ in range(3):
        hear(status, figure, consumed=len(figure.data))
    assert states.reasons == ["up", "implausible"]
    for _ in range(WINDOW // 13 + 1):
        hear(status, DisplayText(("16.00",), "total", "16.00"), consumed=13)
    assert states.reasons == ["up", "implausible", "up"]


@pytest.mark.parametrize("spoken", ["led8", "led8-binary", "partner"])
@pytest.mark.parametrize("configured", ["led8", "led8-binary", "partner", "cd5220", "epson"])
def test_a_display_in_another_dialect_is_noticed_within_a_few_sales(spoken: str, configured: str) -> None:
    lamps = {"led8": [b"2", b"3", b"4"], "led8-binary": [b"\2", b"\3", b"\4"], "partner": [b"\3\1", b"\4\1", b"\5\1"]}
    decoder = linedisplay.Decoder(linedisplay.Settings.model_validate({"dialect": configured}))
    status, states = new()
    status.up()
    for _ in range(3):
        for lamp in lamps[spoken]:
            before = decoder.consumed
            observations = [*decoder.feed(b"\x1bs" + lamp + b"\x1bQA16.00\r"), *decoder.idle()]
            hear(status, *observations, consumed=decoder.consumed - before)
    assert states.reasons == (["up"] if spoken == configured else ["up", "implausible"])


def test_now_and_then_an_implausible_figure_is_no_dialect() -> None:
    status, states = new()
    status.up()
    for _ in range(20):
        hear(status, Undecoded(b"\x1bQA16.0.0\r", "implausible"), consumed=10)
        for _ in range(30):
            hear(status, DisplayText(("16.00",), "total", "16.00"), consumed=13)
    assert states.reasons == ["up"]


def test_what_goes_to_a_printer_on_the_same_line_is_no_noise() -> None:
    status, states = new()
    status.up()
    for _ in range(50):
        hear(status, Undecoded(b"a receipt", "printer"), consumed=20)
    assert states.reasons == ["up"]
