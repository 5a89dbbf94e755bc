"""The HTTP API: the decide route, and FastAPI routes for everything else. It holds no business rules.

Names are imported on first use, so that a worker, which serves only health and metrics, loads no routes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from andon.gateway.admission import Admission
    from andon.gateway.app import create_app, create_control
    from andon.gateway.dependencies import Gateway
    from andon.gateway.documents import document
    from andon.gateway.inference import serve_inference
    from andon.gateway.requests import RequestMetrics
    from andon.gateway.side import Side, create_side

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

_PLACES = {
    "Admission": "admission",
    "Gateway": "dependencies",
    "RequestMetrics": "requests",
    "Side": "side",
    "create_app": "app",
    "create_control": "app",
    "create_side": "side",
    "document": "documents",
    "serve_inference": "inference",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
