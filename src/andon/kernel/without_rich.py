"""structlog without rich, which it imports only to print errors in a form that Andon does not use: 5 MB per process."""

import sys
from importlib import import_module
from typing import Any


def import_structlog() -> None:
    """Import structlog as if rich were not installed. Other code may still import rich afterwards."""
    modules: dict[str, Any] = sys.modules
    if "rich" in modules:
        return
    modules["rich"] = None
    try:
        import_module("structlog")
    finally:
        del modules["rich"]
