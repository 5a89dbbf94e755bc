"""The calls that the story makes to the API of its line: alerts, gates, the cord, measures; one at a time."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from andon_demo.line import LineFailed

MODEL = "fraud-risk"
"""The model of the example."""


class LineApi:
    """One automation of one gateway, called with one key."""

    def __init__(self, port: int, key: str, automation: str) -> None:
        self._port, self._automation = port, automation
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def alerts(self) -> list[dict[str, Any]]:
        """Return all alerts of the automation, newest first, including resolved ones."""
        states = [("state", state) for state in ("open", "acknowledged", "resolved")]
        query = urlencode([("automation", self._automation), *states, ("limit", "200")])
        found: list[dict[str, Any]] = self._asked("GET", f"/v1/alerts?{query}")["alerts"]
        return found

    def gates(self) -> list[dict[str, Any]]:
        """Return the gate revisions, newest first."""
        found: list[dict[str, Any]] = self._asked("GET", f"/v1/automations/{self._automation}/gates?limit=500")
        return found

    def held(self) -> list[dict[str, Any]]:
        """Return the states in force for the line and its segments; empty if everything is automatic."""
        found: list[dict[str, Any]] = self._asked("GET", f"/v1/automations/{self._automation}/cord")["in_force"]
        return found

    def checklist(self) -> list[str]:
        """Return the checklist of a release."""
        found: list[str] = self._asked("GET", f"/v1/automations/{self._automation}/cord/rules")["checklist"]
        return found

    def pull(self, segment: Mapping[str, Any], reason: str) -> None:
        """Have people decide everything in a segment."""
        wanted = {"state": "supervised", "segment": dict(segment), "reason": reason}
        self._asked("POST", f"/v1/automations/{self._automation}/cord:pull", wanted)

    def release(self, segment: Mapping[str, Any], reason: str, done: list[str]) -> None:
        """Release the cord of a segment, with the completed items of the checklist.

        The gate holds what is not proven yet, so nobody waits until it is as wide as before and its alert is resolved.
        """
        wanted = {"segment": dict(segment), "reason": reason, "done": done, "anyway": True}
        self._asked("POST", f"/v1/automations/{self._automation}/cord:release", wanted)

    def audit(self, share: float, reason: str) -> None:
        """Set the share of automatic decisions that is audited blindly."""
        wanted = {"share": share, "reason": reason}
        self._asked("POST", f"/v1/automations/{self._automation}/audit-share", wanted)

    def measured(self) -> dict[str, float]:
        """Return the sums of the business measures, by name."""
        found = self._asked("GET", f"/v1/automations/{self._automation}/measures")["measures"]
        return {one["measure"]: one["total"] for one in found}

    def start_rollout(self, version: int, reason: str) -> int:
        """Roll out a model version by the declared plan and return the number of the rollout."""
        wanted = {"version": version, "reason": reason}
        number: int = self._asked("POST", f"/v1/automations/{self._automation}/rollouts", wanted)["number"]
        return number

    def rollout(self, number: int) -> dict[str, Any]:
        """Return a rollout with its guardrails."""
        found: dict[str, Any] = self._asked("GET", f"/v1/automations/{self._automation}/rollouts/{number}")
        return found

    def auc(self, version: int) -> float:
        """Return the area under the ROC curve of a version of the model, on its held-out rows."""
        manifest = self._asked("GET", f"/v1/models/{MODEL}/versions/{version}")["manifest"]
        found: float = manifest["metrics"]["estimates"]["roc_auc"]["value"]
        return found

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self._headers)
            answer = connection.getresponse()
            given = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise LineFailed(f"{method} {path} answered {answer.status}: {given[:500].decode(errors='replace')}")
        return json.loads(given)
