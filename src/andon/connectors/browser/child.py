"""The process that drives the browser: `python child.py PARENT DESCRIPTOR`.

It reads one call as a line of JSON on standard input, and writes events as lines of JSON to the descriptor. Before the
commit it sends an event and waits for a line in return, so that the commit is on record before it happens. The process
ends when its parent does.
"""

import base64
import ctypes
import hashlib
import html
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

_PR_SET_PDEATHSIG = 1
_PAUSE = 0.1
_PICTURE_LIMIT = 1024 * 1024
_TEXT_LIMIT = 2000
_FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
)


class Ended(Exception):
    """The script ended before its last step."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class Drive:
    """One script in one browser."""

    def __init__(self, call: dict[str, Any], out: Any) -> None:
        self.call, self.out = call, out
        self.base = call["url"].rstrip("/")
        self.secrets = sorted({text for text in call["secrets"].values() if text}, key=len, reverse=True)
        self.secret_fields: list[tuple[str | None, str]] = []
        self.refusals: list[tuple[str | None, str]] = []
        self.result: dict[str, str] = {}
        self.accepts = False
        self.committed = False
        self.unanswered = False  # whether a page got no answer after the commit
        self.sent: set[tuple[str, str, bytes]] = set()
        self.page: Any = None

    def say(self, **event: Any) -> None:
        self.out.write(json.dumps(event).encode() + b"\n")
        self.out.flush()

    def run(self) -> None:
        """Run the script and report how it ended."""
        from playwright.sync_api import Error, sync_playwright

        with sync_playwright() as playwright:
            try:
                flags = [*_FLAGS, *([] if self.call["sandbox"] else ["--no-sandbox"])]
                browser = playwright.chromium.launch(
                    executable_path=self.call["chromium"], args=flags, chromium_sandbox=self.call["sandbox"]
                )
            except Error:
                self.say(end="failed", detail="the browser did not start; if Andon runs as root, set sandbox = false")
                return
            try:
                context = browser.new_context(
                    viewport={"width": self.call["width"], "height": self.call["height"]},
                    accept_downloads=False,
                    service_workers="block",
                )
                context.set_default_timeout(self.call["step_seconds"] * 1000)
                context.route("**/*", self._let_through)
                self.page = context.new_page()
                self.page.on("dialog", lambda dialog: dialog.accept() if self.accepts else dialog.dismiss())
                kind, detail = self._steps(Error)
            except Ended as ended:
                kind, detail = ended.kind, ended.detail
            except Error as error:
                kind, detail = "unclear", f"the browser failed ({type(error).__name__})"
            self.say(end=kind, detail=self.masked(detail)[:_TEXT_LIMIT], result=self._result())
            browser.close()

    def _steps(self, error: type[Exception]) -> tuple[str, str]:
        for number, step in enumerate(self.call["steps"], 1):
            self._one(number, step, error)
        look = self.call.get("look")
        if look is None:
            return "done", f"all {len(self.call['steps'])} steps were done"
        number = len(self.call["steps"]) + 1
        seen = self._look(look)
        self._keep(number, f"look for {look['found']}", "done", seen)
        if seen == "found":
            for more, step in enumerate(look["then"], number + 1):
                self._one(more, step, error)
        return seen, {
            "found": "the application shows that it was done",
            "missing": "the application shows that it was not done",
            "unclear": "the application shows neither that it was done nor that it was not",
        }[seen]

    def _one(self, number: int, step: dict[str, Any], error: type[Exception]) -> None:
        """Do one step, and pass on what the page shows afterwards. Raises Ended."""
        what = _what(step)
        try:
            self._do(number, step, what)
        except Ended as ended:
            self._keep(number, what, "refused" if ended.kind == "refused" else "failed", ended.detail)
            raise
        except error as failed:
            detail = f"step {number} ({what}) failed: {type(failed).__name__}"
            self._keep(number, what, "failed", detail)
            raise Ended("unclear", detail) from None
        self._keep(number, what, "done", "")

    def _do(self, number: int, step: dict[str, Any], what: str) -> None:
        do, frame = step["do"], self._frame(step.get("frame"))
        if do == "go":
            answered = frame.goto(self.base + step["path"])
            if answered is not None and answered.status >= 400:
                raise Ended("unclear", f"step {number} ({what}) failed: the page answered {answered.status}")
        elif do == "fill":
            if "secret" in step:
                self.secret_fields.append((step.get("frame"), step["on"]))
                frame.locator(step["on"]).fill(self.call["secrets"][step["secret"]])
            else:
                frame.locator(step["on"]).fill(step["value"])
        elif do == "choose":
            frame.locator(step["on"]).select_option(step["value"])
        elif do == "click":
            self._click(number, step, what, frame)
        elif do == "expect":
            self._expect(number, step, what)
        elif do == "refuse":
            self.refusals.append((step.get("frame"), step["on"]))
        elif do == "read":
            self.result[step["name"]] = frame.locator(step["on"]).first.inner_text().strip()[:_TEXT_LIMIT]

    def _click(self, number: int, step: dict[str, Any], what: str, frame: Any) -> None:
        target = frame.locator(step["on"])
        self.accepts = bool(step.get("accept"))
        if step.get("commit"):
            target.click(trial=True)
            self.say(commit=number, what=what)
            if not sys.stdin.buffer.readline().strip():
                raise Ended("unclear", "the commit was not put on record")
            self.committed = True
        target.click(no_wait_after=bool(step.get("commit")))

    def _expect(self, number: int, step: dict[str, Any], what: str) -> None:
        until = time.monotonic() + self.call["step_seconds"]
        while time.monotonic() < until:
            if self._is_seen(step.get("frame"), step["on"], step.get("value") or ""):
                return
            for frame, on in self.refusals:
                if (why := self._text_of(frame, on)) is not None:
                    raise Ended("refused", f"the application refused: {why}")
            if self.unanswered:
                raise Ended("unclear", f"step {number} ({what}) did not see it: a page got no answer")
            self.page.wait_for_timeout(_PAUSE * 1000)
        raise Ended("unclear", f"step {number} ({what}) did not see it within {self.call['step_seconds']:g} s")

    def _look(self, look: dict[str, Any]) -> str:
        until = time.monotonic() + self.call["step_seconds"]
        while time.monotonic() < until:
            for seen in ("found", "missing"):
                if self._is_seen(look.get("frame"), look[seen], ""):
                    return seen
            self.page.wait_for_timeout(_PAUSE * 1000)
        return "unclear"

    def _is_seen(self, frame: str | None, on: str, text: str) -> bool:
        found = self._text_of(frame, on)
        return found is not None and text.casefold() in found.casefold()

    def _text_of(self, frame: str | None, on: str) -> str | None:
        """Return the text of a visible element, None if there is none. The page may change meanwhile."""
        from playwright.sync_api import Error

        place = self.page if frame is None else self.page.frame(name=frame)
        if place is None:
            return None
        try:
            first = place.locator(on).first
            return str(first.inner_text(timeout=1000)) if first.is_visible() else None
        except Error:
            return None

    def _frame(self, name: str | None) -> Any:
        """Return the page, or one of its frames once it exists. Raises Ended."""
        if name is None:
            return self.page
        until = time.monotonic() + self.call["step_seconds"]
        while time.monotonic() < until:
            if (found := self.page.frame(name=name)) is not None:
                return found
            self.page.wait_for_timeout(_PAUSE * 1000)
        raise Ended("unclear", f"there is no frame {name!r}")

    def _let_through(self, route: Any) -> None:
        """Load only from the application and the origins that its settings allow; send a changing request only once."""
        parts = urlsplit(route.request.url)
        if f"{parts.scheme}://{parts.netloc}" not in self.call["origins"] and parts.scheme not in ("data", "blob"):
            route.abort()
        elif self.committed and route.request.resource_type in ("document", "xhr", "fetch"):
            self._send_once(route)
        else:
            route.continue_()

    def _send_once(self, route: Any) -> None:
        """Send a request outside the browser, which would repeat it by itself when a kept connection ends.

        The commit is never sent twice, even if the page submits it twice.
        """
        from playwright.sync_api import Error

        request = route.request
        sent = request.method, request.url, request.post_data_buffer or b""
        if sent in self.sent:
            route.abort()
            return
        if not self.sent or request.method not in ("GET", "HEAD"):
            self.sent.add(sent)
        try:
            route.fulfill(response=route.fetch(max_redirects=0, max_retries=0))
        except Error:
            self.unanswered = self.unanswered or request.resource_type == "document"
            route.abort()

    def _keep(self, number: int, what: str, outcome: str, detail: str) -> None:
        """Pass on a screenshot and a digest of the page, without any secret."""
        kept: dict[str, Any] = {"step": number, "what": what, "outcome": outcome, "detail": self.masked(detail)}
        if self.call["evidence"]:
            kept |= {"digest": self._patiently(self._digest), "picture": self._patiently(self._picture) or None}
        self.say(**kept)

    def _patiently(self, look: Callable[[], str]) -> str | None:
        """Look at the page, again while it changes; return None if it still changes after the time of a step."""
        from playwright.sync_api import Error

        until = time.monotonic() + self.call["step_seconds"]
        while True:
            try:
                return look()
            except Error:
                if time.monotonic() >= until:
                    return None
                self.page.wait_for_timeout(_PAUSE * 1000)

    def _digest(self) -> str:
        content = "\n".join(frame.content() for frame in self.page.frames)
        return hashlib.sha256(self.masked(content).encode("utf-8", "replace")).hexdigest()

    def _picture(self) -> str:
        """Return a screenshot in which secrets are covered, empty if it is too large."""
        seconds = self.call["step_seconds"] * 1000
        picture = self.page.screenshot(
            type="jpeg", quality=60, mask=self._covered(), mask_color="#000000", timeout=seconds
        )
        return base64.b64encode(picture).decode() if len(picture) <= _PICTURE_LIMIT else ""

    def _covered(self) -> list[Any]:
        """Return the elements to cover: password fields, fields filled with secrets, and any that show one."""
        covered = []
        for name, on in self.secret_fields:
            place = self.page if name is None else self.page.frame(name=name)
            if place is not None:
                covered.append(place.locator(on))
        for frame in self.page.frames:
            covered.append(frame.locator("input[type=password]"))
            if not self.secrets:
                continue
            fields = frame.evaluate(
                "secrets => [...document.querySelectorAll('input,textarea,select')].map((field, i) =>"
                " secrets.some(s => (field.value || '').includes(s)) ? i : -1).filter(i => i >= 0)",
                self.secrets,
            )
            covered += [frame.locator("input,textarea,select").nth(i) for i in fields]
            covered += [frame.get_by_text(secret) for secret in self.secrets]
        return covered

    def masked(self, text: str) -> str:
        """Return a text with every secret replaced, also where it is escaped."""
        for secret in self.secrets:
            for form in {
                secret,
                html.escape(secret),
                html.escape(secret, quote=False),
                quote(secret),
                quote_plus(secret),
            }:
                text = text.replace(form, "***")
        return text

    def _result(self) -> dict[str, str]:
        return {name: self.masked(value) for name, value in self.result.items()}


def _what(step: dict[str, Any]) -> str:
    """Describe a step, without values."""
    place = f" in frame {step['frame']}" if step.get("frame") else ""
    given = f" with secret {step['secret']}" if "secret" in step else ""
    return f"{step['do']} {step.get('shown') or step.get('on') or ''}{given}{place}".replace("  ", " ")


def main() -> None:
    """Answer one call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.remove(str(Path(__file__).parent))
    call = json.loads(sys.stdin.buffer.readline())
    with os.fdopen(int(sys.argv[2]), "wb") as out:
        Drive(call, out).run()


if __name__ == "__main__":
    main()
