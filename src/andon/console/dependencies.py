"""Dependencies of the pages' handlers. A page with `Signed` or `Acting` is closed to everybody else."""

import hmac
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Form, Request

from andon import alerts
from andon.access import Permission
from andon.console import sessions
from andon.console.context import Console, Visitor
from andon.console.errors import FormForged, SignInNeeded
from andon.kernel.db import Tx
from andon.kernel.errors import Denied


def cookie_name(request: Request) -> str:
    """`__Host-` makes the browser refuse the cookie from anybody but this very host; it needs https."""
    return "__Host-andon" if request.url.scheme == "https" else "andon_console"


def console(request: Request) -> Console:
    """Return the parts of this process."""
    found: Console = request.app.state.console
    return found


Here = Annotated[Console, Depends(console)]


def signed_in(request: Request, here: Here) -> Visitor:
    """Return the signed-in visitor, whose key is still valid. Raises SignInNeeded."""
    cookie = request.cookies.get(cookie_name(request))
    if not cookie:
        raise SignInNeeded
    now = here.clock.now()
    with here.database.begin() as tx:
        session = sessions.find(tx, cookie, now)
        if session is None:
            raise SignInNeeded
        here.keys.refresh(tx, now)
    try:
        principal = here.keys.principal(session.key_id, now)
    except Denied as error:
        raise SignInNeeded from error
    with here.database.begin() as tx:
        waiting = alerts.count_open(tx, principal.scopes(Permission.READ_ALERTS), now)
    request.state.visitor = Visitor(principal, session.csrf, waiting)
    return request.state.visitor  # type: ignore[no-any-return]


Signed = Annotated[Visitor, Depends(signed_in)]


def acting(visitor: Signed, csrf: Annotated[str, Form()] = "") -> Visitor:
    """Return the signed-in visitor who sent one of this session's forms. Raises FormForged."""
    if not hmac.compare_digest(csrf.encode(), visitor.csrf.encode()):
        raise FormForged
    return visitor


Acting = Annotated[Visitor, Depends(acting)]


def transaction(here: Here) -> Iterator[Tx]:
    """One transaction, committed before the answer is sent."""
    with here.database.begin() as tx:
        yield tx


Db = Annotated[Tx, Depends(transaction, scope="function")]
