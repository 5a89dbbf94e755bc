"""The HTTP door: the decide route, and FastAPI for reading and working what follows. No rules inside."""

from andon.gateway.admission import Admission
from andon.gateway.app import create_app, create_control, create_side
from andon.gateway.dependencies import Gateway, Side
from andon.gateway.documents import document
from andon.gateway.inference import serve_inference
from andon.gateway.requests import RequestMetrics

__all__ = [
    "Admission",
    "Gateway",
    "RequestMetrics",
    "Side",
    "create_app",
    "create_control",
    "create_side",
    "document",
    "serve_inference",
]
