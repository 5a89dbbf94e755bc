"""Signing in with an API key, and out."""

from math import ceil
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from andon.console import sessions
from andon.console.dependencies import Acting, Here, cookie_name
from andon.kernel.errors import Denied

router = APIRouter()


@router.get("/sign-in")
def show_sign_in(here: Here, next: str = "/") -> Response:  # noqa: A002
    """Show the form."""
    return here.pages.html("sign_in.html", next=_local(next), failure=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    here: Here,
    key: Annotated[str, Form(max_length=500)],
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002
) -> Response:
    """Start a session for a valid key; after repeated failures, the visitor has to wait."""
    now = here.clock.now()
    address = request.client.host if request.client else ""
    wait = ceil(here.throttle.wait(address, now).total_seconds())
    if wait:
        failure = f"Too many attempts from your address. Try again in {wait} seconds."
        response: Response = here.pages.html("sign_in.html", status=429, next=_local(next), failure=failure)
        response.headers["Retry-After"] = str(wait)
        return response
    try:
        with here.database.begin() as tx:
            here.keys.refresh(tx, now)
            principal = here.keys.authenticate(key.strip(), now)
            cookie = sessions.start(tx, principal.id, now)
    except Denied:
        here.throttle.failed(address, now)
        failure = "This key is unknown, expired or revoked."
        return here.pages.html("sign_in.html", status=401, next=_local(next), failure=failure)
    here.throttle.succeeded(address)
    response = RedirectResponse(_local(next), status_code=303)
    response.set_cookie(
        cookie_name(request), cookie, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request, here: Here, visitor: Acting) -> Response:  # noqa: ARG001
    """End the session."""
    with here.database.begin() as tx:
        sessions.end(tx, request.cookies[cookie_name(request)])
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(cookie_name(request), path="/")
    return response


def _local(path: str) -> str:
    """Where to go afterwards: a path of this console, nothing else."""
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if ours else "/"
