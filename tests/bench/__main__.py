"""`make bench`: the figures of docs/performance.md, each a ratio to what this machine can do in the same run.

``python -m tests.bench [NAME …]`` runs those whose names begin with one of the names.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from edge_agent import log
from tests.bench import ble, escpos, nfc, page, people, presence, receipts, relay, storage, whole

T = TypeVar("T")

BACKLOG = 1_000_000
LIMIT_S = 900.0  # the longest, a million events recorded and carried home, takes two minutes on two cores


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure against its mark. ``at_least``: the mark is a floor, else a ceiling."""

    name: str
    value: float
    mark: float
    at_least: bool
    detail: str

    @property
    def reached(self) -> bool:
        """Whether the mark is reached."""
        return self.value >= self.mark if self.at_least else self.value <= self.mark


def lone_event(folder: Path) -> Iterator[Figure]:
    """One event recorded durably, against a raw 4 KB fdatasync."""
    ratio = storage.lone_event_ratio(folder)
    yield Figure("lone durable event / raw fdatasync rate", ratio, 0.45, True, "")


def producers(folder: Path) -> Iterator[Figure]:
    """A thousand waiting producers, against stdlib executemany(1000) of ready-made rows."""
    ratio = storage.thousand_producers_ratio(folder)
    yield Figure("1,000 producers / executemany(1000)", ratio, 0.25, True, "")


def latency(folder: Path) -> Iterator[Figure]:
    """Last byte to confirmed by central, on an idle store."""
    found = asyncio.run(_within_limit(whole.last_byte_to_confirmed(folder)))
    detail = (
        f"p50 {found.confirmed_s * 1000:.1f} ms; fdatasync {found.fdatasync_s * 1000:.2f}, "
        f"round trip {found.round_trip_s * 1000:.2f} ms"
    )
    yield Figure("last byte to confirmed / raw limit", found.confirmed_s / found.raw_s, 4.0, False, detail)


def live(folder: Path) -> Iterator[Figure]:
    """Recorded and carried home at the same time."""
    found = asyncio.run(_within_limit(whole.live(folder)))
    ratio = found.events_per_s / found.raw_rows_per_s
    yield Figure("live end to end / stdlib row inserts", ratio, 0.3, True, f"{found.events_per_s:,.0f} events/s")
    yield Figure("CPU seconds for 10,000 events", found.cpu_per_10k, 0.3, False, "")


def drain(folder: Path) -> Iterator[Figure]:
    """A backlog of a million events."""
    found = asyncio.run(_within_limit(whole.drain(folder, BACKLOG)))
    yield Figure(
        "memory growth of a 1,000,000-event drain, MB",
        found.growth_mb,
        30,
        False,
        f"{found.events_per_s:,.0f} events/s",
    )


def escpos_rate(_: Path) -> Iterator[Figure]:
    """The ESC/POS decoder on mixed receipts."""
    yield Figure("ESC/POS, MB/s", escpos.escpos_rate(), 3.0, True, "")


def receipt(_: Path) -> Iterator[Figure]:
    """One slip of 15 rows redacted and read: what stands between a till's last byte and a durable order."""
    yield Figure("one slip redacted and read, ms", receipts.receipts_ms(), 1.0, False, "")


def presence_engine(_: Path) -> Iterator[Figure]:
    """The presence engine on 500 devices that advertise again and again."""
    rate, ratio = presence.presence_rate()
    yield Figure("presence, advertisements/s", rate, 50_000, True, "")
    yield Figure("presence / bare table updates", ratio, 0.01, True, "")


def idle(folder: Path) -> Iterator[Figure]:
    """The real agent with four silent serial devices."""
    found = asyncio.run(_within_limit(whole.idle(folder)))
    yield Figure("idle with four devices, % of a core", found.core_share * 100, 0.5, False, "")
    yield Figure("idle with four devices, MB resident", found.rss_mb, 60, False, "")


def bluetooth(folder: Path) -> Iterator[Figure]:
    """2,000 advertisements a second from 500 devices through the Bluetooth device, and bluetoothd killed."""
    found = asyncio.run(_within_limit(ble.load(folder)))
    detail = f"{found.cpu_ms_per_1000:.0f} ms a 1,000"
    yield Figure("2,000 advertisements/s, % of a core", found.core_share * 100, 25, False, detail)
    yield Figure(f"lost of {found.sent:,}", found.lost, 0, False, "")
    pair = asyncio.run(_within_limit(ble.load(folder, ("hci0", "hci1"))))
    yield Figure("the same over two adapters, % of a core", pair.core_share * 100, 25, False, f"{pair.lost} lost")
    yield Figure(
        "bluetoothd back to advertisement, s", asyncio.run(_within_limit(ble.recovery_s(folder))), 5, False, ""
    )
    growth = asyncio.run(_within_limit(ble.growth_mb(folder)))
    yield Figure("memory growth, 200 to 2,000 devices, MB", growth, 15, False, "")


def nfc_reader(folder: Path) -> Iterator[Figure]:
    """A tap heard of, a tag taken away, a reader put back, and one that nobody uses."""
    taps = asyncio.run(_within_limit(nfc.taps(folder)))
    yield Figure("tap to parsed, p50, ms", statistics.median(taps.heard_s) * 1000, 150, False, taps.detail)
    longest = f"longest {max(taps.gone_s) * 1000:.0f} ms"
    yield Figure("tag away to told, p50, ms", statistics.median(taps.gone_s) * 1000, 400, False, longest)
    back = asyncio.run(_within_limit(nfc.back_s(folder)))
    median = f"median {statistics.median(back):.1f} s"
    yield Figure("plug put back to reader up, longest, s", max(back), 2, False, median)
    share = asyncio.run(_within_limit(nfc.idle_share(folder)))
    yield Figure("an idle NFC reader, % of a core", share * 100, 2, False, f"of {nfc.READERS} together")


def taps(folder: Path) -> Iterator[Figure]:
    """A card laid on the reader of the whole agent, to its check-in on disk."""
    seconds = asyncio.run(_within_limit(people.tap_to_recorded_s(folder)))
    yield Figure("tap to recorded check-in, p50 ms", seconds * 1000, 150, False, "")


def crowd(folder: Path) -> Iterator[Figure]:
    """2,000 advertisements a second from 500 devices through the whole agent; and nobody at all."""
    found = asyncio.run(_within_limit(people.crowd(folder)))
    yield Figure("a crowd, the whole agent, % of a core", found.core_share * 100, 25, False, f"{found.lost} lost")
    share = asyncio.run(_within_limit(people.idle_share(folder)))
    yield Figure("idle with a reader and a radio, % of a core", share * 100, 2, False, "")


def relayed(folder: Path) -> Iterator[Figure]:
    """Bytes through the relay while the whole agent takes its copy, against one pseudo-terminal."""
    found = asyncio.run(_within_limit(relay.delay(folder)))
    middle = found.relayed_s[len(found.relayed_s) // 2]
    yield Figure(
        "delay a relay adds, p99, ms", found.added_p99_s * 1000, 2, False, f"p50 {middle * 1000:.2f} ms in all"
    )
    yield Figure("a relay, MB resident", found.rss_mb, 40, False, "")


def page_costs(folder: Path) -> Iterator[Figure]:
    """The manager's page of the whole agent: many of them open, its status asked for, and what a telephone loads."""
    found = asyncio.run(_within_limit(page.cost(folder)))
    detail = f"{found.looked_share * 100:.1f} % of a core while an order comes every 10 ms"
    yield Figure(f"{page.STREAMS} open pages, MB resident", found.streams_mb, 5, False, detail)
    yield Figure("a status request, CPU ms", found.status_ms, 2, False, "")
    parts = f"document {found.page_bytes:,}, files {found.assets_bytes:,}, sections {found.sections_bytes:,} bytes"
    yield Figure("the page with all its files, KB", found.weight_kb, 60, False, parts)


BENCHES: tuple[Callable[[Path], Iterator[Figure]], ...] = (
    lone_event, producers, latency, live, drain, escpos_rate, receipt, presence_engine, idle, bluetooth, taps, crowd,
    nfc_reader, relayed, page_costs,
)  # fmt: skip


async def _within_limit(measured: Coroutine[object, object, T]) -> T:
    """Raise TimeoutError rather than hang; the processes of the bench are stopped then too."""
    async with asyncio.timeout(LIMIT_S):
        return await measured


def main() -> int:
    """Run the benches asked for and print the table; the exit status says whether every mark is reached."""
    log.set_up("warning")
    wanted = sys.argv[1:]
    table = Table(title="edge-agent bench")
    for column, justify in (("figure", "left"), ("measured", "right"), ("mark", "right"), ("", "left"), ("", "left")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    good = True
    for bench in BENCHES:
        if wanted and not any(bench.__name__.startswith(name) for name in wanted):
            continue
        with tempfile.TemporaryDirectory(prefix="edge-agent-bench-") as name:
            for figure in bench(Path(name)):
                good = good and figure.reached
                mark = f"{'≥' if figure.at_least else '≤'} {figure.mark:g}"
                verdict = "reached" if figure.reached else "MISSED"
                table.add_row(figure.name, f"{figure.value:.2f}", mark, verdict, figure.detail)
    Console(width=120).print(table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
