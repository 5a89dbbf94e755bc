"""The queries of the Grafana dashboard that is shipped, as Prometheus gets them."""

import json
from collections.abc import Iterator

from script import dashboard

CHOSEN = {"$__rate_interval": "5m", "$automation": ".*", "$version": ".*"}
"""What Grafana puts in the place of its variables."""


def asked(expression: str) -> str:
    """Return a query as Prometheus gets it."""
    for variable, value in CHOSEN.items():
        expression = expression.replace(variable, value)
    return expression


def queries() -> Iterator[str]:
    """Every query of the file that is shipped."""
    for panel in json.loads(dashboard.FILE.read_text(encoding="utf-8"))["panels"]:
        yield from (asked(target["expr"]) for target in panel.get("targets", ()))
