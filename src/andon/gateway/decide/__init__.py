"""The decide route: one decision per call. Start reading at `route.py`; `andon.wire` is the HTTP server before it."""

from andon.gateway.decide.heads import RequestHead
from andon.gateway.decide.route import PATH, Decide

__all__ = ["PATH", "Decide", "RequestHead"]
