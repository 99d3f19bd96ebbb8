"""What a process takes: processor, memory, descriptors and threads, as /proc says."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.clock import Clock

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """``hours``: since the first, of whatever time the caller counts in. ``rss_mb``: resident, what forks share too."""

    hours: float
    rss_mb: float
    descriptors: int
    threads: int


@dataclass
class Usage:
    """Samples of one process."""

    pid: int
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._clock = Clock()
        self._began_ms = self._clock.now().uptime_ms
        self._began_cpu = self._cpu_s()
        self.sample()

    def sample(self, hours: float = 0.0) -> Sample:
        """Take one more."""
        proc = Path(f"/proc/{self.pid}")
        fields = dict(line.split(":", 1) for line in (proc / "status").read_text("ascii").splitlines())
        rss_mb = int(fields["VmRSS"].split()[0]) * 1024 / MB
        self.samples.append(Sample(hours, rss_mb, len(os.listdir(proc / "fd")), int(fields["Threads"])))  # noqa: PTH208 - a link may be gone when it is looked at
        return self.samples[-1]

    @property
    def grown_mb(self) -> float:
        """How far memory went beyond what it was at first."""
        return max(sample.rss_mb for sample in self.samples) - self.samples[0].rss_mb

    def cpu_share(self) -> float:
        """Return the share of one processor it has taken since the first sample."""
        seconds = (self._clock.now().uptime_ms - self._began_ms) / 1000
        return (self._cpu_s() - self._began_cpu) / seconds

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


def slope(samples: Sequence[Sample]) -> float:
    """Return by how many MB memory grows an hour: the least squares' line through the samples."""
    count = len(samples)
    mean_x = sum(sample.hours for sample in samples) / count
    mean_y = sum(sample.rss_mb for sample in samples) / count
    spread = sum((sample.hours - mean_x) ** 2 for sample in samples)
    return sum((sample.hours - mean_x) * (sample.rss_mb - mean_y) for sample in samples) / spread
