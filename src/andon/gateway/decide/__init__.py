"""The decide door: one decision a call. Start reading at `route.py`; the wire's side of it is `andon.wire`."""

from andon.gateway.decide.heads import RequestHead
from andon.gateway.decide.route import PATH, Decide

__all__ = ["PATH", "Decide", "RequestHead"]
