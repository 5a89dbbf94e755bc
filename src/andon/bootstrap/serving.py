"""Running an ASGI application as a process that ends cleanly: finish what is in flight, then go."""

import gc
import importlib
from collections.abc import Callable
from typing import Any

import uvicorn

from andon.bootstrap.wire import Wire
from andon.kernel.config import Settings

DRAIN_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn, telling the application that it is about to end before it stops listening.

    `proxied`: believe what a proxy on this machine says of the caller's address and of https.
    """

    def __init__(self, app: Any, *, host: str, port: int, ending: Callable[[], None], proxied: bool = False) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http=Wire,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=proxied,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                backlog=2048,
            )
        )
        self._ending = ending

    def handle_exit(self, sig: int, frame: Any) -> None:
        """A signal to end: not ready any more, then uvicorn's own draining.

        uvicorn would raise the signal again when it has drained, which ends the process before anything else is finished.
        """
        self._ending()
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def tracing(process: str, settings: Settings) -> Callable[[], None]:
    """Send traces, if a collector is configured; what it returns sends the rest, at the end."""
    if settings.telemetry.otlp_endpoint is None:
        return lambda: None
    traces = importlib.import_module("andon.kernel.traces")
    send_the_rest: Callable[[], None] = traces.configure_traces(process, settings.telemetry.otlp_endpoint)
    return send_the_rest


def settle_memory() -> None:
    """After start-up: what is there now stays, so the collector need not look at it during requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # a batch makes thousands of objects and no cycles: look less often
