"""Metrics: plain counters on the hot path, read by OpenTelemetry only when somebody looks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from schema.errors import CODES

MetricName = Literal[
    "hub.operations",
    "hub.operation.duration",
    "hub.operations.in_flight",
    "hub.fetches",
    "hub.fetch.duration",
    "hub.plan.cache.hits",
    "hub.plan.cache.misses",
    "hub.audit.entries",
    "hub.audit.flushes",
    "hub.recording.dropped",
    "hub.credentials.refused",
    "hub.catalogue.epoch",
    "hub.sources.warnings",
    "hub.warnings.open",
]
METRICS: Mapping[MetricName, tuple[str, str]] = {
    "hub.operations": ("counter", "operations by outcome, error kind and code"),
    "hub.operation.duration": ("histogram", "seconds from request to answer, by outcome"),
    "hub.operations.in_flight": ("gauge", "operations being answered"),
    "hub.fetches": ("counter", "fetches by source and whether they succeeded"),
    "hub.fetch.duration": ("histogram", "seconds of fetches, by source"),
    "hub.plan.cache.hits": ("counter", "operations whose plan was known"),
    "hub.plan.cache.misses": ("counter", "operations that were planned"),
    "hub.audit.entries": ("counter", "audit entries made durable"),
    "hub.audit.flushes": ("counter", "transactions that made them so"),
    "hub.recording.dropped": ("counter", "operations that were answered but not recorded"),
    "hub.credentials.refused": ("counter", "requests without valid credentials"),
    "hub.catalogue.epoch": ("gauge", "the policy epoch in force"),
    "hub.sources.warnings": ("gauge", "conditions of sources that are warned of now"),
    "hub.warnings.open": ("gauge", "early warnings that are open, of the worker that watches"),
}
"""Every metric: its kind and what it counts."""

_BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
_LABELS_MAX = 1_000


class _Histogram:
    """Counts per bucket and the sum, for one label value."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        count = 0
        for bound, held in zip((*map(repr, _BOUNDS), "+Inf"), self.counts, strict=True):
            count += held
            yield bound, count


class Metrics:
    """What one worker counts. Not for several threads: the event loop's own."""

    def __init__(self, *, service_name: str = "hub") -> None:
        self._operations: dict[tuple[str, str | None], int] = {}
        self._fetches: dict[tuple[str, bool], int] = {}
        self._durations: dict[str, _Histogram] = {}
        self._fetch_durations: dict[str, _Histogram] = {}
        self._watched: dict[MetricName, Callable[[], float]] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._provider = MeterProvider(
            metric_readers=[
                PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
            ],
            resource=Resource.create({"service.name": service_name}),
            shutdown_on_exit=False,
        )
        self._meter = self._provider.get_meter("hub")
        self._counter("hub.operations", self._observe_operations)
        self._counter("hub.fetches", self._observe_fetches)
        self._registry.register(_Histograms(self._families))
        ProcessCollector(registry=self._registry)

    def operation(self, outcome: str, code: str | None, seconds: float) -> None:
        """Count one answer."""
        key = (outcome, code)
        self._operations[key] = self._operations.get(key, 0) + 1
        held = self._durations.get(outcome)
        if held is None:
            held = self._durations[outcome] = _Histogram()
        held.add(seconds)

    def fetch(self, source: str, seconds: float, *, ok: bool) -> None:
        """Count one fetch."""
        key = (source, ok)
        if key not in self._fetches and len(self._fetches) >= _LABELS_MAX:
            return
        self._fetches[key] = self._fetches.get(key, 0) + 1
        held = self._fetch_durations.get(source)
        if held is None:
            held = self._fetch_durations[source] = _Histogram()
        held.add(seconds)

    def watch(self, name: MetricName, read: Callable[[], float]) -> None:
        """Read a figure that somebody else keeps; watching a name again replaces it."""
        known = name in self._watched
        self._watched[name] = read
        if known:
            return

        def observe(_: CallbackOptions) -> Iterable[Observation]:
            yield Observation(self._watched[name]())

        kind, about = METRICS[name]
        if kind == "gauge":
            self._meter.create_observable_gauge(name, [observe], description=about)
        else:
            self._meter.create_observable_counter(name, [observe], description=about)

    def render(self) -> tuple[bytes, str]:
        """The page of metrics as OpenMetrics text, and its content type."""
        page: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]  # theirs
        return page, CONTENT_TYPE_LATEST

    def close(self) -> None:
        """Stop the instruments."""
        self._provider.shutdown()

    def _counter(
        self, name: MetricName, observe: Callable[[CallbackOptions], Iterable[Observation]]
    ) -> None:
        self._meter.create_observable_counter(name, [observe], description=METRICS[name][1])

    def _observe_operations(self, _: CallbackOptions) -> Iterable[Observation]:
        for (outcome, code), count in list(self._operations.items()):
            kind = CODES[code].kind if code in CODES else ""
            yield Observation(count, {"outcome": outcome, "kind": kind, "code": code or ""})

    def _observe_fetches(self, _: CallbackOptions) -> Iterable[Observation]:
        for (source, ok), count in list(self._fetches.items()):
            yield Observation(count, {"source": source, "ok": "true" if ok else "false"})

    def _families(self) -> Iterator[HistogramMetricFamily]:
        histograms: tuple[tuple[MetricName, str, dict[str, _Histogram]], ...] = (
            ("hub.operation.duration", "outcome", self._durations),
            ("hub.fetch.duration", "source", self._fetch_durations),
        )
        for name, label, held in histograms:
            family = HistogramMetricFamily(
                f"{name.replace('.', '_')}_seconds",
                METRICS[name][1],
                labels=[label],
                unit="seconds",
            )
            for value, histogram in list(held.items()):
                family.add_metric([value], list(histogram.buckets()), histogram.total)
            yield family


class _Histograms(Collector):
    """Gives the registry the histograms that are counted here, not in OpenTelemetry: there each
    record costs ten times as much."""

    def __init__(self, families: Callable[[], Iterator[HistogramMetricFamily]]) -> None:
        self._families = families

    def collect(self) -> Iterator[HistogramMetricFamily]:
        return self._families()
