"""`publish-dataset`: a snapshot for each store, its manifest, perhaps a delta; then what lay there is cleared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from edge_agent.clock import Clock
from edge_agent.contract import datasets
from edge_agent.contract.datasets import Delta, Manifest, StoreTarget
from edge_agent.contract.envelope import MAX_BYTES
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.topics import dataset
from edge_agent.errors import ConfigError
from edge_agent.fleet import agents, keys, settings, snapshots
from edge_agent.fleet.broker import Broker, connected
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.pushes import payload_in
from edge_agent.fleet.settings import Options
from edge_agent.fleet.terminal import line, note, print_json

_MOST_CHUNKS = 100_000  # of a manifest that is believed only so far as to clear up behind it: 6 GB
_MOST_DELTA_BYTES = MAX_BYTES * 7 // 10  # in base64, with its envelope, it is 1.34 times as large


_Messages = Iterator[tuple[str, bytes]]
_Lying = Iterator[tuple[str, Manifest | None]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is published. ``previous``: the file of the revision before, for a delta; ``max_age``: None: for ever."""

    name: str
    file: Path
    id_field: str = "id"
    previous: Path | None = None
    as_of: datetime | None = None
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What one store has now."""

    store: str
    revision: int
    rows: int
    chunks: int
    delta_from: int | None


def publish(options: Options, wanted: Dataset, stores: str, *, as_json: bool) -> None:
    """Publish a dataset to some stores. Raises ConfigError, and then nothing was published, or FleetError."""
    if wanted.name not in datasets.NAMES:
        raise ConfigError(f"{wanted.name}: unknown dataset (allowed: {', '.join(datasets.NAMES)})")
    fleet = settings.load(options)
    signer = keys.signer_of(fleet)
    meant = agents.patterns(stores)
    issue = _issue(wanted, signer)
    with connected(fleet) as broker:
        found = agents.chosen(agents.gather(broker, meant), meant)
        stores_meant = list(dict.fromkeys(agent.topics.store for agent in found))
        plans = [
            issue.plan(broker.tenant, store, before) for store, before in _lying(broker, wanted.name, stores_meant)
        ]
        # A manifest never announces what is not there yet, and nothing goes that one announces.
        for step in (_Plan.chunks, _Plan.announced, _Plan.cleared):
            broker.publish_all((message for plan in plans for message in step(plan)), retain=True)
    for plan in plans:
        published = plan.published
        if as_json:
            print_json(published)
        else:
            delta = f", delta from {published.delta_from}" if published.delta_from else ""
            line(f"{published.store}: {wanted.name} revision {published.revision}: {published.rows} rows{delta}")


@dataclass(frozen=True, slots=True)
class _Issue:
    wanted: Dataset
    signer: Signer
    chunks: Sequence[bytes]
    rows: int
    as_of: datetime
    change: snapshots.Change | None
    previous_sha256: str | None

    def plan(self, tenant: str, store: str, before: Manifest | None) -> "_Plan":
        """Return what is to be published for a store; ``before``: what lies there."""
        target = StoreTarget(tenant, store)
        revision = before.revision + 1 if before else 1
        delta = self._delta(target, before, revision)
        manifest = Manifest(
            type=datasets.TYPE,
            target=target,
            name=self.wanted.name,
            revision=revision,
            as_of=self.as_of,
            sha256=datasets.digest(self.chunks),
            rows=self.rows,
            chunks=len(self.chunks),
            deltas=[(delta.from_, delta.to)] if delta else [],
            max_age_seconds=round(self.wanted.max_age.total_seconds()) if self.wanted.max_age else None,
        )
        return _Plan(self, manifest, delta, before)

    def _delta(self, target: StoreTarget, before: Manifest | None, revision: int) -> Delta | None:
        """Return what makes the new revision of the one that lies there; None where that is not ``--previous``."""
        if self.change is None:
            return None
        if before is None or before.sha256 != self.previous_sha256:
            note(f"{target.store}: {self.wanted.previous} is not what lies there now: no delta, the whole is fetched")
            return None
        delta = Delta(
            type=datasets.TYPE,
            target=target,
            name=self.wanted.name,
            from_=before.revision,
            to=revision,
            as_of=self.as_of,
            upserts=self.change.upserts,
            deletes=self.change.deletes,
        )
        if len(msgspec.json.encode(delta)) > _MOST_DELTA_BYTES:
            note(f"{target.store}: the delta is too large for a message: the whole is fetched")
            return None
        return delta


@dataclass(frozen=True, slots=True)
class _Plan:
    issue: _Issue
    manifest: Manifest
    delta: Delta | None
    before: Manifest | None

    @property
    def published(self) -> Published:
        manifest = self.manifest
        delta_from = self.delta.from_ if self.delta else None
        return Published(manifest.target.store, manifest.revision, manifest.rows, manifest.chunks, delta_from)

    @property
    def _topic(self) -> str:
        return dataset(self.manifest.target.tenant, self.manifest.target.store, self.manifest.name)

    def chunks(self) -> _Messages:
        for number, chunk in enumerate(self.issue.chunks):
            yield f"{self._topic}/{self.manifest.revision}/{number}", chunk

    def announced(self) -> _Messages:
        seal = self.issue.signer.seal
        if self.delta:
            yield f"{self._topic}/delta/{self.delta.from_}", seal(msgspec.json.encode(self.delta))
        yield self._topic, seal(msgspec.json.encode(self.manifest))

    def cleared(self) -> _Messages:
        if self.before is None:
            return
        for number in range(min(self.before.chunks, _MOST_CHUNKS)):
            yield f"{self._topic}/{self.before.revision}/{number}", b""
        for from_, _ in self.before.deltas:
            if self.delta is None or from_ != self.delta.from_:
                yield f"{self._topic}/delta/{from_}", b""


def _issue(wanted: Dataset, signer: Signer) -> _Issue:
    rows = snapshots.read(wanted.file, wanted.id_field)
    change, previous_sha256 = None, None
    if wanted.previous:
        previous = snapshots.read(wanted.previous, wanted.id_field)
        change = snapshots.changed(previous, rows)
        previous_sha256 = datasets.digest(snapshots.chunked(previous.values()))
    at = wanted.as_of or datetime.fromtimestamp(Clock().now().wall_ms // 1000, UTC)
    return _Issue(wanted, signer, snapshots.chunked(rows.values()), len(rows), at, change, previous_sha256)


def _lying(broker: Broker, name: str, stores: Sequence[str]) -> _Lying:
    """Yield the manifest that lies at each store."""
    topics = {store: dataset(broker.tenant, store, name) for store in stores}
    found: dict[str, bytes] = {}
    wanted = list(topics.values())
    for start in range(0, len(wanted), agents.FEW):
        found |= broker.collect(wanted[start : start + agents.FEW])
    for store, topic in topics.items():
        yield store, manifest_in(found.get(topic, b""))


def manifest_in(envelope: bytes) -> Manifest | None:
    """Return the manifest in an envelope, whoever has signed it; None where there is none."""
    payload = payload_in(envelope)
    try:
        return msgspec.json.decode(payload, type=Manifest) if payload is not None else None
    except UNREADABLE:
        return None


def as_of(text: str | None) -> datetime | None:
    """Return ``--as-of``. Raises ConfigError."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - without a zone: refused below
    if found.tzinfo is None:
        raise ConfigError(f"--as-of {text}: write 2026-11-22T04:00:00+08:00")
    return found
