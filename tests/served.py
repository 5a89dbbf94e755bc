"""An ASGI application that answers over HTTP on a free port of this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served(app: ASGIApp, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Yield the address at which `app` answers; over TLS with the files of a certificate and its key."""
    config = uvicorn.Config(app, log_level="warning", lifespan="off", forwarded_allow_ips="127.0.0.1")
    if certificate is not None:
        config.ssl_certfile, config.ssl_keyfile = certificate
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
