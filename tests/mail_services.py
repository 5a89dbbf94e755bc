"""Mail services on loopback that answer as Microsoft Graph and Gmail document it, for one mailbox with one folder.

Graph: delta queries by pages, `@odata.nextLink` and `@odata.deltaLink`, 410 for a forgotten token, `/$value` as MIME.
Gmail: profile, list of messages newest first, history with page tokens, 404 for a forgotten id, `format=raw`.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SECRET = "hush-hush-hush"
PAGE = 7


class MailServiceFake:
    """The mails, and what the service has been asked. Ids are texts that say nothing of the order."""

    def __init__(self) -> None:
        self.url = ""
        self.mails: list[tuple[str, bytes, datetime]] = []
        self.gone: set[str] = set()
        self.asked: list[str] = []
        self.forgotten_before = 0
        self.busy = 0
        self.tokens = 0
        self.refresh: str | None = None
        """The only refresh token that is accepted; each answer brings the next. None: any, and it never changes."""

    def add(self, mail: bytes) -> str:
        """Let a mail arrive."""
        number = len(self.mails)
        identifier = f"AAMk{(number * 7919) % 10007:05d}=="
        self.mails.append((identifier, mail, datetime.now(UTC)))
        return identifier

    def forget(self) -> None:
        """Forget all tokens that were given so far."""
        self.forgotten_before = len(self.mails) + 1

    def answer(self, path: str, query: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Answer a GET."""
        self.asked.append(path)
        if authorization != f"Bearer token-{self.tokens}":
            return 401, {"error": {"code": "InvalidAuthenticationToken"}}
        if self.busy:
            self.busy -= 1
            return 429, {"error": {"code": "TooManyRequests"}}
        return self._graph(path, query) if path.startswith("/v1.0/") else self._gmail(path, query)

    def _raw(self, identifier: str) -> tuple[bytes, datetime] | None:
        return next((mail[1:] for mail in self.mails if mail[0] == identifier and identifier not in self.gone), None)

    def _graph(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        base = "/v1.0/users/support@bank.test"
        folder = f"{base}/mailFolders/inbox"
        if path == folder:
            return 200, {"id": "AQMk"}
        if path == f"{folder}/messages/delta":
            at = int(query.get("$skiptoken") or query.get("$deltatoken") or 0)
            if "$deltatoken" in query and at < self.forgotten_before - 1:
                return 410, {"error": {"code": "syncStateNotFound"}}
            some = self.mails[at : at + PAGE]
            value = [
                {"id": identifier, "receivedDateTime": came.isoformat().replace("+00:00", "Z")}
                for identifier, _, came in some
            ]
            value += [{"id": "AAMkgone==", "@removed": {"reason": "deleted"}}]
            more = at + PAGE < len(self.mails)
            link = f"{self.url}{path}?{'$skiptoken' if more else '$deltatoken'}={at + len(some)}"
            return 200, {"value": value, "@odata.nextLink" if more else "@odata.deltaLink": link}
        if path.startswith(f"{base}/messages/") and path.endswith("/$value"):
            found = self._raw(path.removeprefix(f"{base}/messages/").removesuffix("/$value"))
            return (404, {}) if found is None else (200, found[0])
        return 404, {"error": {"code": "ErrorItemNotFound"}}

    def _gmail(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        base = "/gmail/v1/users/me"
        if path == f"{base}/labels/INBOX":
            return 200, {"id": "INBOX", "name": "INBOX"}
        if path == f"{base}/profile":
            return 200, {"emailAddress": "support@bank.test", "historyId": str(len(self.mails))}
        if path == f"{base}/messages":
            at, newest_first = int(query.get("pageToken", 0)), self.mails[::-1]
            some = [{"id": one[0], "threadId": one[0]} for one in newest_first[at : at + PAGE]]
            more = {"nextPageToken": str(at + PAGE)} if at + PAGE < len(self.mails) else {}
            return 200, {**({"messages": some} if some else {}), "resultSizeEstimate": len(some), **more}
        if path == f"{base}/history":
            begin = int(query["startHistoryId"])
            if begin < self.forgotten_before - 1:
                return 404, {"error": {"code": 404, "status": "NOT_FOUND"}}
            at = int(query.get("pageToken", begin))
            records = [
                {"id": str(number + 1), "messagesAdded": [{"message": {"id": one[0], "labelIds": ["INBOX", "UNREAD"]}}]}
                for number, one in enumerate(self.mails[at : at + PAGE], at)
            ]
            more = {"nextPageToken": str(at + PAGE)} if at + PAGE < len(self.mails) else {}
            return 200, {**({"history": records} if records else {}), "historyId": str(len(self.mails)), **more}
        if path.startswith(f"{base}/messages/"):
            identifier = path.removeprefix(f"{base}/messages/")
            found = self._raw(identifier)
            if found is None:
                return 404, {"error": {"code": 404}}
            data, came = found
            head = {"id": identifier, "internalDate": str(int(came.timestamp() * 1000)), "sizeEstimate": len(data)}
            raw = {"raw": base64.urlsafe_b64encode(data).decode()} if query["format"] == "raw" else {}
            return 200, {**head, **raw}
        return 404, {"error": {"code": 404}}


@contextmanager
def a_mail_service() -> Iterator[MailServiceFake]:
    """Run a service while the context lasts."""
    fake = MailServiceFake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, answer = fake.answer(unquote(parts.path), query, self.headers.get("authorization", ""))
            self._send(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            if form["client_secret"] != [SECRET]:
                return self._send(401, b'{"error": "invalid_client"}')
            if fake.refresh is not None and form["refresh_token"] != [fake.refresh]:
                return self._send(400, b'{"error": "invalid_grant"}')
            fake.tokens += 1
            answer = {"access_token": f"token-{fake.tokens}", "expires_in": 3600}
            if fake.refresh is not None:
                fake.refresh = answer["refresh_token"] = f"refresh-{fake.tokens}"
            return self._send(200, json.dumps(answer).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
