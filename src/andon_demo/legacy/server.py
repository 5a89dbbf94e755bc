"""The card system over HTTP, on loopback, with the standard library alone."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from andon_demo.legacy import pages
from andon_demo.legacy.bank import LegacyBank

_LIMIT = 64 * 1024
_OPEN = ("/login", "/favicon.ico")


class LegacyServer:
    """Listens on 127.0.0.1 while the context lasts. `plan` sets a fault for each of the next submits of the mask.

    Faults: `refuse` (the mask says no), `fail` (an error page, nothing is blocked), `lose` (blocked, but an error
    page), `hang` (blocked, and never answered), `vanish` (blocked, and the connection ends), `late` (blocked once
    `may_end` is set; until then `is_at_work` is).
    """

    def __init__(self, bank: LegacyBank | None = None, *, port: int = 0) -> None:
        self.bank = bank or LegacyBank()
        self.on_block: Callable[[str], None] = lambda _: None
        self.is_at_work = threading.Event()
        self.may_end = threading.Event()
        self._plan: deque[str] = deque()
        self._pages: deque[str] = deque()
        self._closing = threading.Event()
        outer = self

        class Handler(_Handler):
            server_of = outer

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """Report no error: a robot's client may leave at any time."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05), daemon=True)

    @property
    def url(self) -> str:
        """The address of the system."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, *faults: str) -> None:
        """Plan faults for the next submits of the mask."""
        self._plan.extend(faults)

    def plan_pages(self, *faults: str) -> None:
        """Plan `error` for the next pages."""
        self._pages.extend(faults)

    def next_page_fails(self) -> bool:
        """Return whether the next page is planned to be an error."""
        return bool(self._pages) and self._pages.popleft() == "error"

    def next_fault(self) -> str:
        """Return the fault of this submit, or an empty string."""
        return self._plan.popleft() if self._plan else ""

    def wait(self, seconds: float) -> None:
        """Wait for this long, or until the server ends."""
        self._closing.wait(seconds)

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening."""
        self._closing.set()
        self.may_end.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    __enter__ = start

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server_of: LegacyServer
    protocol_version = "HTTP/1.1"
    server_version = "CARDSYS/4.2"
    timeout = 30

    def log_message(self, *_: object) -> None:
        """Log no request."""

    def do_GET(self) -> None:
        """Show a page."""
        parts = urlsplit(self.path)
        self._serve(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        """Accept a form."""
        length = min(int(self.headers.get("content-length") or 0), _LIMIT)
        form = dict(parse_qsl(self.rfile.read(length).decode("latin-1"), keep_blank_values=True))
        self._serve(urlsplit(self.path).path, form, posted=True)

    @property
    def _session(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("cookie", "")).get("CARDSYS")
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _serve(self, path: str, form: Mapping[str, str], *, posted: bool = False) -> None:
        bank = self.server_of.bank
        if (seconds := bank.delay()) > 0:
            self.server_of.wait(seconds)
        if path == "/favicon.ico":
            self._answer("", 404)
        elif self.server_of.next_page_fails() or bank.fails():
            self._answer(pages.error(), 500)
        elif path == "/login":
            self._sign_in(form) if posted else self._answer(pages.login())
        elif not bank.is_signed_in(self._session):
            self._redirect("/login")
        elif path == "/block" and posted:
            self._block(form)
        else:
            self._show(path, form)

    def _show(self, path: str, query: Mapping[str, str]) -> None:
        bank = self.server_of.bank
        if path == "/search":
            reference = query.get("reference")
            self._answer(pages.search(reference, bank.with_reference(reference or "")))
            return
        shown = {"/": pages.frames, "/nav": pages.navigation, "/home": pages.home, "/block": pages.block_mask}.get(path)
        self._answer(shown() if shown else pages.error(), 200 if shown else 404)

    def _sign_in(self, form: Mapping[str, str]) -> None:
        session = self.server_of.bank.sign_in(form.get("user", ""), form.get("password", ""))
        if session is None:
            self._answer(pages.login("E001 USER OR PASSWORD WRONG"))
        else:
            self._redirect("/", cookie=f"CARDSYS={session}; HttpOnly")

    def _block(self, form: Mapping[str, str]) -> None:
        bank, fault = self.server_of.bank, self.server_of.next_fault()
        wrong = "E099 REFUSED BY THE SUPERVISOR" if fault == "refuse" else bank.fault_of(form)
        if wrong is not None:
            self._answer(pages.block_mask(wrong))
            return
        if fault == "fail":
            self._answer(pages.error(), 500)
            return
        if fault == "late":
            self.server_of.is_at_work.set()
            self.server_of.may_end.wait()
        block = bank.block(form, bank.user)
        self.server_of.on_block(block.reference)
        if fault == "hang":
            self.server_of.wait(60)
        if fault in ("hang", "vanish"):
            self.close_connection = True
        elif fault == "lose" or bank.loses_answer():
            self._answer(pages.error(), 500)
        else:
            self._answer(pages.blocked(block))

    def _redirect(self, where: str, *, cookie: str | None = None) -> None:
        self.send_response(302)
        self.send_header("location", where)
        if cookie is not None:
            self.send_header("set-cookie", cookie)
        self.send_header("content-length", "0")
        self.end_headers()

    def _answer(self, page: str, status: int = 200) -> None:
        content = page.encode("latin-1", "replace")
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=iso-8859-1")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def run(server: LegacyServer) -> None:
    """Serve until Ctrl-C."""
    with server:
        print(f"CARDSYS listens on {server.url}; user {server.bank.user}, password {server.bank.password}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
