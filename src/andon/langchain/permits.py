"""A client of a gateway for tool calls: ask for a call, wait for a person, spend the permit, report the end."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from andon.kernel.errors import Denied, Unavailable

T = TypeVar("T")

POLL_SECONDS = 1.0
_PATIENCE = httpx.Timeout(30.0)


class CallNotAllowed(Denied):
    """The call was denied, refused, or not approved in time. Its text is for the agent to read."""


class GatewayRefused(Unavailable):
    """The gateway does not answer, or refuses the request."""


class Gatehouse:
    """One toolbox of one gateway, used with an agent's key. A call waits for a person at most as long as `wait`."""

    def __init__(
        self,
        url: str,
        key: str,
        toolbox: str,
        *,
        agent: str,
        run: str | None = None,
        wait: timedelta = timedelta(minutes=10),
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._toolbox, self._agent, self._run = toolbox, agent, run
        self._wait, self._sleep = wait.total_seconds(), sleep
        self._http = client or httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False)
        self._headers = {"Authorization": f"Bearer {key}"}

    def tools(self) -> list[dict[str, Any]]:
        """Return the toolbox's tools, each with its schema. Raises GatewayRefused."""
        found: list[dict[str, Any]] = self._answer("GET", f"/v1/toolboxes/{self._toolbox}")["tools"]
        return found

    def through(
        self, tool: str, arguments: Mapping[str, Any], perform: Callable[[], T], *, key: str | None = None
    ) -> T:
        """Carry out a call exactly once, if it is allowed. Repeats of the same call need the same `key`.

        Raises CallNotAllowed, GatewayRefused, and what `perform` raises.
        """
        permit = self.spend(self.allowed(tool, arguments, key=key))
        try:
            result = perform()
        except BaseException as error:
            self.finish(permit["id"], error=type(error).__name__)
            raise
        self.finish(permit["id"], result=_plain(result))
        return result

    def delivered(self, tool: str, arguments: Mapping[str, Any], *, key: str | None = None) -> Any:
        """Have Andon carry out a call, and wait for its end. Raises CallNotAllowed, GatewayRefused."""
        ended = self._until(self.spend(self.allowed(tool, arguments, key=key)), "begun")
        if ended["state"] != "done":
            raise CallNotAllowed(f"{tool} did not happen: {ended['error'] or ended['state']}")
        return ended["result"] or "delivered"

    def allowed(self, tool: str, arguments: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Return the call once it is allowed. Raises CallNotAllowed, GatewayRefused."""
        body = {"tool": tool, "arguments": dict(arguments), "agent": self._agent, "run": self._run}
        headers = {} if key is None else {"Idempotency-Key": key}
        made = self._until(self._answer("POST", f"/v1/toolboxes/{self._toolbox}/calls", body, headers), "waiting")
        if made["state"] == "allowed":
            return made
        reasons = f" ({', '.join(made['reasons'])})" if made["reasons"] else ""
        raise CallNotAllowed(f"{tool} was not carried out: {_WHY.get(made['state'], made['state'])}{reasons}")

    def spend(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Spend the permit of a call. Raises CallNotAllowed, GatewayRefused."""
        return self._answer("POST", f"/v1/tool-calls/{made['id']}/begin", {"digest": made["digest"]})

    def finish(self, call_id: str, *, result: Any = None, error: str | None = None) -> None:
        """Report how a call ended. Raises GatewayRefused."""
        ended = {"result": result} if error is None else {"error": error}
        self._answer("POST", f"/v1/tool-calls/{call_id}/finish", ended)

    def _until(self, made: dict[str, Any], state: str) -> dict[str, Any]:
        """Poll a call while it is in `state`, at most as long as `wait`. Return the call."""
        left = self._wait
        while made["state"] == state and left > 0:
            self._sleep(POLL_SECONDS)
            left -= POLL_SECONDS
            made = self._answer("GET", f"/v1/tool-calls/{made['id']}")
        return made

    def _answer(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        sent = {**self._headers, **(headers or {})}
        try:
            response = self._http.request(method, path, json=body, headers=sent)
        except httpx.HTTPError as error:
            raise GatewayRefused(f"The gateway does not answer: {type(error).__name__}") from error
        if response.is_success:
            found: dict[str, Any] = response.json()
            return found
        told = response.json() if "json" in response.headers.get("content-type", "") else {}
        why = str(told.get("detail") or f"status {response.status_code}")
        if response.status_code in (409, 422):
            raise CallNotAllowed(why)
        raise GatewayRefused(f"The gateway refuses {method} {path}: {why}")


_WHY = {
    "denied": "the policy denies it",
    "refused": "a person refused it",
    "waiting": "nobody has approved it yet",
    "expired": "nobody approved it in time",
    "begun": "it is already under way",
    "unknown": "it was begun, nobody knows how it ended, and it is not repeated",
    "done": "it has already happened",
    "failed": "it was already tried, and failed",
}


def _plain(result: Any) -> Any:
    """Return a result as JSON, or else as text."""
    return result if isinstance(result, str | int | float | bool | dict | list | None) else str(result)
