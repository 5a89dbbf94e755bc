"""Every metric: those of the registry, and the gauges that `bootstrap` adds for a process."""

import ast
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase
from script.pages.markdown import code, table

from andon import bootstrap
from andon.kernel.metrics import LATENCY_BUCKETS, Metrics

SUFFIXES = {"counter": "_total"}


def body() -> str:
    """A table of what both processes have, one of the gauges of each, and the buckets."""
    head = ("metric", "kind", "labels", "meaning")
    own = [row for row in _registered() if row[0].startswith("`andon_")]
    process = [row for row in _registered() if not row[0].startswith("`andon_")]
    gauges = sorted(_gauges())
    buckets = ", ".join(map(str, LATENCY_BUCKETS))
    return "\n".join(
        [
            f"## Of gateway and worker\n\n{table(head, own)}",
            f"Every histogram has these upper bounds, in seconds: {buckets}.\n",
            f"## Read when asked for\n\n{table(('metric', 'of', 'labels', ''), gauges)}",
            f"## Of the process itself\n\n{table(head, process)}",
        ]
    )


def _registered() -> Iterator[tuple[str, str, str, str]]:
    for collector in Metrics().registry._collector_to_names:
        labels = collector._labelnames if isinstance(collector, MetricWrapperBase) else ()
        for family in collector.collect():
            name = family.name + SUFFIXES.get(family.type, "")
            yield code(name), family.type, ", ".join(map(code, labels)), family.documentation


def _gauges() -> Iterator[tuple[str, str, str, str]]:
    """The calls of `gauge_of` in bootstrap: name and description are literals there, labels are keywords."""
    for file in sorted(Path(bootstrap.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "gauge_of":
                name, description = (ast.literal_eval(argument) for argument in node.args[:2])
                labels = ", ".join(code(keyword.arg) for keyword in node.keywords)
                yield code(name), "worker" if file.stem == "worker" else "gateway", labels, description
