"""Many decisions in one call, streamed both ways. Start reading at `route.py`."""

from andon.gateway.batch.formats import MEDIA_TYPES
from andon.gateway.batch.route import PATH, Batch

__all__ = ["MEDIA_TYPES", "PATH", "Batch"]
