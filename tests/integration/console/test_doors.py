"""Nothing of the console opens without a session, and nothing changes without a form of that session's own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from tests.served import served

from andon import access, console
from andon.access import Grant, KeyRing, Role
from andon.console.security import MAX_FORM_BYTES
from andon.kernel.clock import SystemClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor

PEPPER = b"pepper" * 6
OPEN = {"/livez", "/readyz", "/sign-in"}
SOME_ID = UUID(int=7)


@pytest.fixture
def app(database: Database) -> FastAPI:
    return console.create_app(Settings(), database, SystemClock(), KeyRing(PEPPER), Events())


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        yield client


@pytest.fixture
def token(database: Database) -> str:
    with database.begin() as tx:
        _, token = access.create_key(
            tx,
            name="ada",
            grants=[Grant(Role.ADMIN)],
            expires_at=None,
            actor=Actor("setup"),
            events=Events(),
            reason="test",
            pepper=PEPPER,
            now=datetime.now(UTC),
        )
    return token


def routes(app: FastAPI, method: str) -> list[str]:
    """Return the paths of all routes that answer a method, with something in place of their parameters."""
    ids = ("decision", "review", "action", "procedure", "event", "alert", "silence", "incident", "rule", "step", "call")
    filled = dict.fromkeys((f"{name}_id" for name in ids), SOME_ID)
    filled |= {"name": "m", "number": 1, "automation": "a", "stream": "kafka:s", "what": "pause", "sha256": "0" * 64}
    return sorted(
        path.format(**filled, path="x") for path, methods in app.openapi()["paths"].items() if method in methods
    )


def signed_in(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/sign-in", data={"key": token, "next": "/audit"})


def test_every_page_but_the_sign_in_sends_a_stranger_to_it(app: FastAPI, client: httpx.Client) -> None:
    closed = [path for path in routes(app, "get") if path not in OPEN]
    assert len(closed) > 10
    for path in closed:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/sign-in?"), path


def test_every_change_needs_the_sessions_own_token(app: FastAPI, client: httpx.Client, token: str) -> None:
    signed_in(client, token)
    changes = [path for path in routes(app, "post") if path not in OPEN]
    assert len(changes) >= 6
    for path in changes:
        for form in ({}, {"csrf": "guess"}):
            answer = client.post(path, data={"reason": "because", **form})
            assert answer.status_code == 403, path
            assert "This form does not belong to your session" in answer.text


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example"])
def test_a_form_of_another_site_is_refused_before_it_is_read(client: httpx.Client, token: str, origin: str) -> None:
    answer = client.post("/sign-in", data={"key": token}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_huge_form_is_refused_before_it_is_read(client: httpx.Client) -> None:
    answer = client.post("/sign-in", content=b"key=" + b"x" * MAX_FORM_BYTES)
    assert answer.status_code == 413
    chunks: Iterator[bytes] = iter([b"key=", b"x"])
    assert client.post("/sign-in", content=chunks).status_code == 411


@pytest.mark.parametrize("path", ["/livez", "/sign-in", "/static/console.js", "/decisions", "/sign-in/nowhere"])
def test_every_answer_carries_the_strict_policy(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")


def test_over_https_the_cookie_is_bound_to_host_and_secure(client: httpx.Client, token: str) -> None:
    client.headers["X-Forwarded-Proto"] = "https"
    answer = signed_in(client, token)
    assert "strict-transport-security" in answer.headers
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith("__Host-andon=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= set(attributes)
    assert client.get("/audit", headers={"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(client: httpx.Client, token: str, wanted: str) -> None:
    answer = client.post("/sign-in", data={"key": token, "next": wanted})
    assert answer.headers["location"] == "/"


def test_a_live_part_whose_session_ended_goes_to_the_sign_in_page(client: httpx.Client) -> None:
    answer = client.get("/live", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_text_from_outside_is_shown_as_text(client: httpx.Client, token: str) -> None:
    signed_in(client, token)
    page = client.get("/decisions", params={"since": "<script>alert(1)</script>", "rule": '"><img src=x>'})
    assert page.status_code == 422
    assert "<script>alert" not in page.text
    assert "<img" not in page.text


def test_while_the_database_is_away_pages_say_so_and_nothing_more() -> None:
    away = Database("postgresql://andon:secret@127.0.0.1:1/andon")
    with (
        served(console.create_app(Settings(), away, SystemClock(), KeyRing(PEPPER), Events())) as address,
        httpx.Client(base_url=address, cookies={"andon_console": "x"}) as client,
    ):
        assert client.get("/livez").status_code == 200
        gone = client.get("/readyz")
        assert gone.status_code == 503
        assert "127.0.0.1" not in gone.text
        answer = client.get("/decisions")
        assert answer.status_code == 503
        assert "secret" not in answer.text
    away.close()


def test_a_nul_character_is_refused_wherever_it_stands(client: httpx.Client, token: str) -> None:
    client.post("/sign-in", data={"key": token, "next": "/"})
    for path in ("/decisions?outcome=%00", "/actions?because=a%00b", "/models/%00/1", "/streams/x/%00"):
        refused = client.get(path)
        assert (refused.status_code, refused.text) == (422, "The address contains a NUL character.\n")
    refused = client.post("/actions/resend", data={"reason": "a\0b"})
    assert (refused.status_code, refused.text) == (422, "The form contains a NUL character.\n")


def test_a_number_that_no_version_has_is_no_page(client: httpx.Client, token: str) -> None:
    client.post("/sign-in", data={"key": token, "next": "/"})
    assert client.get(f"/models/fraud-risk/{2**31}").status_code == 404


def test_what_can_be_got_can_be_asked_for_without_its_body(client: httpx.Client, token: str) -> None:
    client.post("/sign-in", data={"key": token, "next": "/"})
    for path in ("/livez", "/decisions"):
        head, got = client.head(path), client.get(path)
        assert (head.status_code, head.content, head.headers["Content-Type"]) == (200, b"", got.headers["Content-Type"])
