"""Security of the console: headers of every response, and proof that a change comes from our own pages."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

MAX_FORM_BYTES = 64 * 1024

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_SAFE_METHODS = {"GET", "OPTIONS"}
_NUL = b"%00"


class Guard:
    """ASGI middleware around the whole console."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), scope)
            await send(message)

        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out
        refusal = _nul("address") if _NUL in scope["query_string"] or "\0" in scope["path"] else None
        if refusal is None and scope["method"] not in _SAFE_METHODS:
            refusal, receive = await _checked(Headers(scope=scope), receive)
        await (refusal or self._app)(scope, receive, guarded)


def _complete(headers: MutableHeaders, scope: Scope) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)  # a page may state a stricter one
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/static/") else "no-store")


async def _checked(headers: Headers, receive: Receive) -> tuple[Response | None, Receive]:
    """Why a form is refused, if there is a reason, and where it is to be read."""
    refusal = _refusal(headers)
    if refusal is not None:
        return refusal, receive
    message = await receive()
    form = [message]
    while message.get("more_body", False):
        form.append(message := await receive())
    content = b"".join([part.get("body", b"") for part in form])

    async def again() -> Message:
        return form.pop(0) if form else await receive()

    return _nul("form") if _NUL in content or b"\0" in content else None, again


def _nul(where: str) -> Response:
    """Return the refusal of a NUL character, which PostgreSQL can neither store nor search for."""
    return PlainTextResponse(f"The {where} contains a NUL character.\n", status_code=422)


def _refusal(headers: Headers) -> Response | None:
    """Return why a form is not even read; None if it may be read."""
    if not _is_own(headers):
        return PlainTextResponse("This form was not sent from the console's own page.\n", status_code=403)
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return PlainTextResponse("A form needs a Content-Length.\n", status_code=411)
    if int(length) > MAX_FORM_BYTES:
        return PlainTextResponse(f"A form has at most {MAX_FORM_BYTES} bytes.\n", status_code=413)
    return None


def _is_own(headers: Headers) -> bool:
    """Every browser sends `Origin` with a POST; a form of another site, or of a sandbox, shows here."""
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host")
