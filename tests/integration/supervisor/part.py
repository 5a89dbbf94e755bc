"""A part that answers /readyz. Files in its folder tell it how to behave.

They are `NAME.unready`, `NAME.deaf`, `NAME.refuse` and `NAME.away`.
"""

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

name = sys.argv[1]


def told(word: str) -> bool:
    return Path(f"{name}.{word}").exists()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"problems": {"line": "no model yet"}}' if told("unready") else b"ok"
        self.send_response(503 if told("unready") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def end(*_: object) -> None:
    if not told("deaf"):
        Path(f"{name}.drained").touch()
        sys.exit(0)


if told("refuse"):
    sys.stderr.write(f"{name} has no sense\n")
    sys.exit(2)
if told("away"):
    Path(f"{name}.away").unlink()
    sys.stderr.write(f"{name} meets an outage\n")
    sys.exit(6)
signal.signal(signal.SIGTERM, end)
port = int(os.environ[f"ANDON_{name.upper()}_PORT"])
server = HTTPServer(("127.0.0.1", port), Answers, bind_and_activate=False)
server.socket = socket.socket(fileno=int(os.environ["ANDON_INHERITED_SOCKETS"]))
server.server_address = ("127.0.0.1", port)
server.server_port = port
server.server_activate()
database = {"url": os.environ["ANDON_DATABASE_URL"], "socket": os.environ.get("ANDON_INHERITED_DATABASE_SOCKET")}
seen = {"pid": os.getpid(), **database, "arguments": sys.argv, "port": server.server_port}
Path(f"{name}.draft").write_text(json.dumps(seen))
Path(f"{name}.draft").rename(f"{name}.seen")
if pipe := os.environ.get("ANDON_INHERITED_PIPE"):
    missing = b'{"missing": {"line": "no model yet"}}\n' if told("unready") else b'{"ready": true}\n'
    os.write(int(pipe), missing)
server.serve_forever()
