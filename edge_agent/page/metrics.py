"""Prometheus text, read from the same sources as the status."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_agent.contract.events import Stream
from edge_agent.page.sources import Sources

CONTENT_TYPE = CONTENT_TYPE_LATEST


def text(sources: Sources) -> bytes:
    """Return the exposition of the moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Agent(sources))
    return generate_latest(registry)


class _Agent(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        yield from self._streams()
        yield from self._devices()
        yield from self._slips()
        yield from self._people()
        sync = self._sources.sync
        yield CounterMetricFamily("edge_agent_resends", "Frames published again.", value=sync.resends)
        yield CounterMetricFamily(
            "edge_agent_sent_events", "Events published, repeats included.", value=sync.sent_events
        )
        damaged = self._sources.storage.damaged_frames
        yield CounterMetricFamily("edge_agent_damaged_frames", "Stored frames found damaged.", value=damaged)
        yield from self._config()
        connected = GaugeMetricFamily("edge_agent_connected", "1 while the broker is connected.")
        connected.add_metric([], float(sync.connected))
        yield connected

    def _config(self) -> Iterator[Metric]:
        reported = self._sources.reported()
        for name, what, value in (
            ("version", "Version of the store config that runs; 0: store.toml on the box.", reported.running.version),
            ("on_trial", "1 while it runs on trial.", reported.phase == "trial"),
        ):
            yield GaugeMetricFamily(f"edge_agent_config_{name}", what, value=float(value))

    def _streams(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("edge_agent_waiting", "Events head office has not confirmed.", labels=["stream"])
        recorded = CounterMetricFamily("edge_agent_recorded", "Last sequence of this epoch.", labels=["stream"])
        for stream in Stream:
            waiting.add_metric([stream.value], self._sources.storage.waiting_events(stream))
            recorded.add_metric([stream.value], self._sources.storage.last(stream))
        yield waiting
        yield recorded

    def _devices(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("edge_agent_device_up", "1 while the device works.", labels=["device"])
        undecoded = CounterMetricFamily(
            "edge_agent_undecoded_bytes", "Bytes that meant nothing.", labels=["device", "reason"]
        )
        happened = CounterMetricFamily(
            "edge_agent_device_events", "What a device saw and what went wrong.", labels=["device", "what"]
        )
        for device in self._sources.generation.devices.values():
            name = device.settings.id
            up.add_metric([name], float(device.state == "up"))
            for reason, count in device.undecoded.items():
                undecoded.add_metric([name, reason], count)
            for what, count in device.device.status.counts.items() if device.device else ():
                happened.add_metric([name, what], count)
        yield up
        yield undecoded
        yield happened

    def _slips(self) -> Iterator[Metric]:
        shop, now = self._sources.generation.shop, self._sources.clock.now()
        seen = CounterMetricFamily("edge_agent_slips", "Slips since the start by kind.", labels=["kind"])
        for kind, count in shop.seen.items():
            seen.add_metric([kind], count)
        yield seen
        missing = CounterMetricFamily("edge_agent_receipt_number_gaps", "Jumps in a till's numbers.", value=shop.gaps)
        yield missing
        slips = GaugeMetricFamily("edge_agent_slips_today", "Slips of this business day by kind.", labels=["kind"])
        for kind, count in shop.counts(now).seen.items():
            slips.add_metric([kind], count)
        yield slips

    def _people(self) -> Iterator[Metric]:
        people = self._sources.generation.shop.people
        taps = CounterMetricFamily("edge_agent_taps", "Tags read since the start, as what.", labels=["as"])
        for verdict, count in people.taps.items():
            taps.add_metric([verdict], count)
        yield taps
        for name, what, value in (
            ("present", "Visits in progress.", people.present),
            ("tracked", "BLE devices heard lately, strangers included.", people.tracked),
            ("frozen_scanners", "Scanners whose silence says nothing.", people.frozen),
        ):
            yield GaugeMetricFamily(f"edge_agent_{name}", what, value=value)
