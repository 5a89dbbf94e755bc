"""Error pages: a clean page for each kind, never a trace; a bug is logged and shown by its reference only."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from andon.console.context import Console
from andon.kernel.errors import AndonError, Conflict, Denied, Invalid, NotFound, Unavailable

_log = structlog.get_logger(__name__)

_KINDS: dict[type[AndonError], tuple[HTTPStatus, str]] = {
    Invalid: (HTTPStatus.UNPROCESSABLE_ENTITY, "This cannot be done as requested"),
    Denied: (HTTPStatus.FORBIDDEN, "Not allowed"),
    NotFound: (HTTPStatus.NOT_FOUND, "Not found"),
    Conflict: (HTTPStatus.CONFLICT, "Not possible in this state"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Not available now"),
}


class SignInNeeded(Denied):
    """Sign in first."""


class FormForged(Denied):
    """This form does not belong to your session. Open the page again and repeat what you did."""


def status_of(error: AndonError) -> HTTPStatus:
    """Return the HTTP status of an error's kind."""
    return next(status for kind, (status, _) in _KINDS.items() if isinstance(error, kind))


def install(app: FastAPI) -> None:
    """Give the app its error pages."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        SignInNeeded: _sign_in,
        AndonError: _refused,
        RequestValidationError: _malformed,
        HTTPException: _plain,
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _sign_in(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if "hx-request" in request.headers:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/sign-in"})
    wanted = request.url.path if request.method == "GET" else "/"
    if request.method == "GET" and request.url.query:
        wanted += f"?{request.url.query}"
    target = request.url_for("show_sign_in").include_query_params(next=wanted)
    return RedirectResponse(f"{target.path}?{target.query}", status_code=HTTPStatus.SEE_OTHER)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndonError)  # noqa: S101
    status, title = next(found for kind, found in _KINDS.items() if isinstance(error, kind))
    return _page(request, status, title, str(error))


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    wrong = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
    return _page(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, "The request cannot be read", f"In the address or the form: {wrong}."
    )


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _page(request, HTTPStatus.NOT_FOUND, "Not found", "There is no such page.")
    return _page(request, HTTPStatus(error.status_code), "Not possible", str(error.detail))


async def _failed(request: Request, error: Exception) -> Response:
    reference = uuid4().hex[:12]
    _log.error("console page failed", reference=reference, path=request.url.path, exc_info=error)
    title, message = "Something failed", "This is an error in Andon, not in your input. Nothing was changed."
    return _page(request, HTTPStatus.INTERNAL_SERVER_ERROR, title, message, reference=reference)


def _page(request: Request, status: HTTPStatus, title: str, message: str, reference: str | None = None) -> Response:
    console: Console = request.app.state.console
    visitor = getattr(request.state, "visitor", None)
    return console.pages.html(
        "error.html", status=status, visitor=visitor, title=title, message=message, reference=reference
    )
