"""Every metric: those that are counted, and those that are read at a scrape."""

import ast
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector
from script.pages.markdown import code, table

from andon import bootstrap
from andon.bootstrap.measures import Measures
from andon.kernel.tallies import BatchCounter, BatchHistogram

SUFFIXES = {"counter": "_total"}


def body() -> str:
    """Return a table of common metrics, one of each process's gauges, and the buckets."""
    head = ("metric", "kind", "labels", "meaning")
    gauges = sorted(_gauges())
    read = {row[0] for row in gauges}
    own = [row for row in _registered() if row[0].startswith("`andon_") and row[0] not in read]
    process = [row for row in _registered() if not row[0].startswith("`andon_")]
    return "\n".join(
        [
            f"## Gateway and worker\n\n{table(head, own)}",
            "The upper bounds of the histograms:\n\n" + table(("metric", "bounds"), sorted(_bounds())),
            f"## Read at each scrape\n\n{table(('metric', 'kind', 'of', 'labels', 'meaning'), gauges)}",
            f"## Process\n\n{table(head, process)}",
        ]
    )


def _registered() -> Iterator[tuple[str, str, str, str]]:
    for collector in _registry()._collector_to_names:
        for family in collector.collect():
            name = family.name + SUFFIXES.get(family.type, "")
            yield code(name), family.type, ", ".join(map(code, _labels(collector))), family.documentation


def _registry() -> CollectorRegistry:
    return Measures().metrics.registry


def _labels(collector: Collector) -> tuple[str, ...]:
    if isinstance(collector, MetricWrapperBase):
        return tuple(collector._labelnames)
    return collector.labelnames if isinstance(collector, BatchCounter | BatchHistogram) else ()


def _bounds() -> Iterator[tuple[str, str]]:
    """Yield the finite upper bounds of each histogram."""
    for collector in _registry()._collector_to_names:
        if isinstance(collector, BatchHistogram):
            yield code(collector.name), ", ".join(f"{bound:g}" for bound in collector.buckets)
        elif isinstance(collector, Histogram):
            finite = [bound for bound in collector._upper_bounds if bound != float("inf")]
            yield code(collector._name), ", ".join(f"{bound:g}" for bound in finite)


READ = {"gauge_of": "gauge", "gauges_of": "gauge", "counts_of": "counter"}
"""The methods of `Metrics` that add a metric to be read later, and what they add."""

SHOWN_BY = {
    "worker": "worker",
    "audit": "both",
    "audits": "worker",
    "changed": "worker",
    "delivering": "worker",
    "feeds": "worker",
    "measured": "worker",
    "monitors": "worker",
    "procedures": "worker",
    "streams": "worker",
    "trial_metrics": "worker",
    "pools": "both",
}
"""The processes that expose the metrics of a bootstrap file or a slice, if not the gateway alone."""


def _gauges() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield their calls, in which name and description are literals, and labels are keywords or a literal tuple."""
    own = Path(bootstrap.__path__[0])
    slices = [file for file in own.parent.glob("*/metrics.py") if file.parent.name != "kernel"]
    for file in sorted([*own.glob("*.py"), *slices]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READ:
                name, description = (ast.literal_eval(argument) for argument in node.args[:2])
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                names = ast.literal_eval(given["labels"]) if "labels" in given else tuple(given)
                kind, of = (
                    READ[node.func.attr],
                    SHOWN_BY.get(file.parent.name if file.stem == "metrics" else file.stem, "gateway"),
                )
                yield code(name), kind, of, ", ".join(map(code, names)), description
