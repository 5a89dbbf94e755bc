"""The Grafana dashboard, written from code: `python -m script.dashboard` writes deploy/grafana/andon.json.

It queries only metrics of the processes themselves, so it also works without the recording rules.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "deploy" / "grafana" / "andon.json"

COLUMNS = 24
WIDTH, HEIGHT = 8, 8
OURS = 'automation=~"$automation",version=~"$version"'
"""Restricts figures by version to the selection at the top of the dashboard."""

VERSION = "automation, model, version"
NAMED = "{{model}} {{version}}"


@dataclass(frozen=True)
class Panel:
    """One graph: its queries with the names of their lines, and Grafana's name of the unit."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    says: str = ""


def rate(metric: str, by: str, narrowed: str = OURS) -> str:
    """Return the rate per second, summed over processes."""
    return f"sum by ({by}) (rate({metric}{{{narrowed}}}[$__rate_interval]))"


def percentile(q: float, metric: str, by: str, narrowed: str = OURS) -> str:
    """Return a percentile of a histogram, in its unit."""
    return f"histogram_quantile({q}, {rate(f'{metric}_bucket', f'{by}, le', narrowed)})"


def stage(name: str) -> Panel:
    """Return the percentiles of one stage by version."""
    only = f'{OURS},stage="{name}"'
    lines = [(percentile(q, "andon_stage_seconds", VERSION, only), f"p{q * 100:g} {NAMED}") for q in (0.5, 0.95, 0.99)]
    return Panel(name.capitalize(), lines, "s", STAGES[name])


STAGES = {
    "whole": "From admission to the commit.",
    "queue": "From admission to the start of the batch; grows when requests arrive faster than decisions are made.",
    "features": "Reading the windows of a batch, and computing its features.",
    "predict": "The model, for a whole batch.",
    "policy": "The decision table, for a whole batch.",
    "record": "The group commit.",
}

DASHBOARD: dict[str, Sequence[Panel]] = {
    "Overview": [
        Panel("Decisions", [(rate("andon_decisions_total", VERSION), NAMED)], "ops", "Recorded, by version."),
        Panel(
            "Outcomes",
            [(rate("andon_decisions_total", "automation, outcome"), "{{automation}} {{outcome}}")],
            "ops",
        ),
        Panel(
            "Objective missed",
            [
                (
                    "1 - "
                    + rate("andon_decision_seconds_bucket", "automation", 'automation=~"$automation",le="0.05"')
                    + " / "
                    + rate("andon_http_requests_total", "automation", 'automation=~"$automation",status!~"4.."'),
                    "{{automation}}",
                )
            ],
            "percentunit",
            "Requests that were not answered within 50 ms, or not at all. Errors of callers (4xx) are not counted.",
        ),
        Panel(
            "Answers by status",
            [(rate("andon_http_requests_total", "status", 'automation=~"$automation"'), "{{status}}")],
            "ops",
        ),
        Panel(
            "Refused and expired",
            [
                (rate("andon_refused_total", "reason", 'automation=~"$automation"'), "refused: {{reason}}"),
                (rate("andon_expired_total", "automation", 'automation=~"$automation"'), "expired: {{automation}}"),
            ],
            "ops",
        ),
        Panel(
            "Not recorded",
            [(rate("andon_ledger_errors_total", "kind", ""), "{{kind}}")],
            "ops",
            "transient: the ledger was unavailable. persistent: something broke; see the log.",
        ),
    ],
    "Where the time goes": [stage(name) for name in STAGES],
    "Load": [
        Panel(
            "In progress, on average",
            [(rate("andon_stage_seconds_sum", VERSION, f'{OURS},stage="whole"'), NAMED)],
            says="Concurrent decisions, by Little's law.",
        ),
        Panel("Waiting", [("sum by (priority) (andon_queue_depth)", "{{priority}}")]),
        Panel("Waiting by version", [("sum by (model, version) (andon_version_queue_depth)", NAMED)]),
        Panel(
            "Batch size",
            [(f"{rate('andon_batch_size_sum', VERSION)} / {rate('andon_batch_size_count', VERSION)}", NAMED)],
            says="Decisions in a batch, on average.",
        ),
        Panel("Shares", [("max by (model, version) (andon_traffic_share_ratio)", NAMED)], "percentunit"),
        Panel(
            "Event loop lag",
            [(percentile(0.99, "andon_event_loop_lag_seconds", "instance", ""), "{{instance}}")],
            "s",
        ),
        Panel(
            "Shadows",
            [
                (
                    rate("andon_shadows_total", "automation, result", 'automation=~"$automation"'),
                    "{{automation}} {{result}}",
                )
            ],
            "ops",
        ),
    ],
    "Problems": [
        Panel("Errors", [(rate("andon_errors_total", f"{VERSION}, kind"), f"{NAMED} {{{{kind}}}}")], "ops"),
        Panel("Fallbacks", [(rate("andon_fallbacks_total", f"{VERSION}, reason"), f"{NAMED} {{{{reason}}}}")], "ops"),
        Panel(
            "Incidents",
            [
                (
                    "sum by (model, version, kind) (increase(andon_pool_incidents_total[$__rate_interval]))",
                    f"{NAMED} {{{{kind}}}}",
                )
            ],
        ),
        Panel("Breakers open", [("sum by (model, version) (andon_breaker_open)", NAMED)]),
        Panel("Automations behind", [("max by (instance) (andon_automations_behind)", "{{instance}}")]),
        Panel(
            "Restarts",
            [("sum by (model, version) (increase(andon_pool_restarts_total[$__rate_interval]))", NAMED)],
        ),
    ],
    "Resources": [
        Panel(
            "CPU per decision",
            [(f"{rate('andon_model_cpu_seconds_total', VERSION)} / {rate('andon_decisions_total', VERSION)}", NAMED)],
            "s",
            "Prediction and policy.",
        ),
        Panel(
            "Cost per decision",
            [
                (
                    rate("andon_cost_total", "automation, version, currency")
                    + " / on (automation, version) group_left () "
                    + rate("andon_decisions_total", "automation, version"),
                    "{{automation}} {{version}} {{currency}}",
                )
            ],
            says="Without idle time.",
        ),
        Panel(
            "Budget spent",
            [
                (
                    'max by (automation, per) (andon_budget_used_ratio{automation=~"$automation"})',
                    "{{automation}}, {{per}}",
                )
            ],
            "percentunit",
        ),
        Panel("Processes' CPU", [("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}")]),
        Panel("Processes' memory", [("process_resident_memory_bytes", "{{instance}}")], "bytes"),
        Panel("Pools' memory", [("sum by (model, version) (andon_pool_resident_memory_bytes)", NAMED)], "bytes"),
        Panel(
            "Pools' processes", [("sum by (model, version, state) (andon_pool_processes)", f"{NAMED} {{{{state}}}}")]
        ),
        Panel("GPU", [("andon_gpu_utilization_ratio", "{{instance}} {{gpu}}")], "percentunit"),
        Panel(
            "GPU memory",
            [("andon_gpu_memory_used_bytes / andon_gpu_memory_total_bytes", "{{instance}} {{gpu}}")],
            "percentunit",
        ),
    ],
    "Deliveries and reviews": [
        Panel(
            "Deliveries",
            [(rate("andon_deliveries_total", "destination, answer", ""), "{{destination}} {{answer}}")],
            "ops",
        ),
        Panel(
            "Waiting",
            [("sum(andon_deliveries_pending)", "deliveries"), ("sum(andon_reviews_unopened)", "reviews")],
        ),
        Panel(
            "Dead letters",
            [
                (
                    "sum by (destination) (increase(andon_dead_letters_total[$__rate_interval]))",
                    "{{destination}}",
                )
            ],
        ),
    ],
}
"""The rows of the dashboard and their panels."""


def dashboard() -> dict[str, Any]:
    """Return the document that Grafana imports."""
    return {
        "title": "Andon",
        "uid": "andon",
        "tags": ["andon"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source(), _variable("automation"), _variable("version")]},
        "panels": list(_panels()),
    }


def written() -> str:
    """Return the text of the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "query": {"query": f"label_values(andon_decisions_total, {name})", "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for row, panels in DASHBOARD.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row,
            "collapsed": False,
            "panels": [],
            "gridPos": _at(0, y, COLUMNS, 1),
        }
        x, y = 0, y + 1
        for panel in panels:
            if x + WIDTH > COLUMNS:
                x, y = 0, y + HEIGHT
            number += 1
            yield _panel(number, panel, _at(x, y, WIDTH, HEIGHT))
            x += WIDTH
        y += HEIGHT


def _panel(number: int, panel: Panel, at: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": source,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": source, "expr": query, "legendFormat": name, "range": True}
            for n, (query, name) in enumerate(panel.queries)
        ],
    }


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
