"""Many decisions in one call, streamed both ways. Start reading at `route.py`."""

from andon.gateway.batch.formats import ARROW, JSON, NDJSON
from andon.gateway.batch.route import PATH, BatchRoute

__all__ = ["ARROW", "JSON", "NDJSON", "PATH", "BatchRoute"]
