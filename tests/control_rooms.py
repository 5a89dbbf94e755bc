"""Control rooms of other robots on loopback: Automation Anywhere, Power Automate (Dataverse) and Robocorp.

Each counts what was made under our key, and `finish(key, ...)` ends it as a robot would.
"""

import json
import re
import secrets
from collections import defaultdict
from typing import Any, ClassVar
from uuid import uuid4

from faulty import Asked, FaultyServer, Route, Said


class AutomationAnywhere(FaultyServer):
    """A Control Room with one user."""

    def __init__(self, user: str = "andon", key: str = "hush") -> None:
        super().__init__()
        self.user, self.key = user, key
        self.token = ""
        self.runs: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []

    def finish(self, key: str, status: str = "COMPLETED", **changes: Any) -> None:
        """End the run of this name."""
        with self.lock:
            for run in self.runs:
                if run["automationName"] == key:
                    run.update({"status": status, **changes})

    def is_allowed(self, asked: Asked) -> bool:
        return asked.path == "/v2/authentication" or asked.headers.get("x-authorization") == self.token != ""

    def authenticate(self, asked: Asked) -> Said:
        if asked.json != {"username": self.user, "apiKey": self.key}:
            return Said(401, {"message": "no"})
        self.token = secrets.token_urlsafe()
        return Said(200, {"token": self.token})

    def deploy(self, asked: Asked) -> Said:
        order = asked.json

        def make() -> Said:
            run = {
                "id": str(uuid4()),
                "deploymentId": str(uuid4()),
                "automationName": order["automationName"],
                "status": "QUEUED",
            }
            self.runs.append(run)
            self.orders.append(order)
            return Said(200, {"deploymentId": run["deploymentId"], "automationName": run["automationName"]})

        return self.making(order["automationName"], make)

    def activities(self, asked: Asked) -> Said:
        wanted = asked.json["filter"]
        with self.lock:
            found = [dict(run) for run in reversed(self.runs) if run.get(wanted["field"]) == wanted["value"]]
        return Said(200, {"list": found, "page": {"total": len(found)}})

    routes: ClassVar[list[Route]] = [
        ("POST", "/v2/authentication", authenticate),
        ("POST", "/v4/automations/deploy", deploy),
        ("POST", "/v3/activity/list", activities),
    ]


class PowerAutomate(FaultyServer):
    """An environment of Dataverse with desktop flows, and a cloud flow with an HTTP trigger under `/trigger`."""

    def __init__(self, client: str = "andon", secret: str = "hush") -> None:
        super().__init__()
        self.client, self.secret = client, secret
        self.token = ""
        self.sessions: dict[str, dict[str, Any]] = {}
        self.triggered: list[dict[str, Any]] = []

    def finish(self, key: str, status: int = 4, **changes: Any) -> None:
        """End the run whose call back holds this key."""
        with self.lock:
            for session in self.sessions.values():
                if key in session["callbackurl"] or key in session["inputs"]:
                    session.update({"statuscode": status, **changes})

    def is_allowed(self, asked: Asked) -> bool:
        if asked.path in ("/token", "/trigger"):
            return True
        return self.token != "" and asked.headers.get("authorization") == f"Bearer {self.token}"

    def give_token(self, asked: Asked) -> Said:
        form = asked.form
        if (form.get("client_id"), form.get("client_secret")) != (self.client, self.secret):
            return Said(401, {"error": "invalid_client"})
        self.token = secrets.token_urlsafe()
        return Said(200, {"access_token": self.token, "expires_in": 3599})

    def run_flow(self, asked: Asked, flow: str) -> Said:
        order = asked.json
        found = re.search(r"/actions/([0-9a-f-]{36})/", order.get("callbackUrl", ""))
        key = found[1] if found else json.loads(order["inputs"]).get("key", "")

        def make() -> Said:
            session = str(uuid4())
            self.sessions[session] = {
                "flowsessionid": session,
                "statuscode": 2,
                "callbackurl": order.get("callbackUrl", ""),
                "inputs": order["inputs"],
                "order": order,
                "errormessage": None,
            }
            return Said(200, {"flowsessionId": session})

        return self.making(key, make)

    def list_sessions(self, asked: Asked) -> Said:
        wanted = asked.query["$filter"]
        by_id, by_key = re.search(r"flowsessionid eq (\S+)", wanted), re.search(r"callbackurl,'([^']+)'", wanted)
        with self.lock:
            found = [
                {name: session[name] for name in ("flowsessionid", "statuscode", "errormessage")}
                for session in self.sessions.values()
                if (by_id and session["flowsessionid"] == by_id[1]) or (by_key and by_key[1] in session["callbackurl"])
            ]
        return Said(200, {"value": found[:1]})

    def outputs(self, asked: Asked, session: str) -> Said:
        return Said(200, self.sessions[session].get("outputs", {}))

    def trigger(self, asked: Asked) -> Said:
        def make() -> Said:
            self.triggered.append(asked.json)
            return Said(202, {})

        return self.making(asked.json["andon_key"], make)

    routes: ClassVar[list[Route]] = [
        ("POST", "/token", give_token),
        ("POST", r"/api/data/v9\.2/workflows\(([^)]+)\)/Microsoft\.Dynamics\.CRM\.RunDesktopFlow", run_flow),
        ("GET", r"/api/data/v9\.2/flowsessions", list_sessions),
        ("GET", r"/api/data/v9\.2/flowsessions\(([^)]+)\)/outputs/\$value", outputs),
        ("POST", "/trigger", trigger),
    ]


class Robocorp(FaultyServer):
    """A Control Room with one workspace: its public API, and the API that `robocorp-workitems` uses in a run."""

    def __init__(self, key: str = "hush", *, workspace: str = "w1") -> None:
        super().__init__()
        self.key, self.workspace = key, workspace
        self.items: dict[str, dict[str, Any]] = {}
        self.made_of: dict[str, list[str]] = defaultdict(list)

    def finish(self, key: str, state: str = "completed", **changes: Any) -> None:
        """End the newest item of this key."""
        with self.lock:
            self.items[self.made_of[key][-1]].update({"state": state, **changes})

    def is_allowed(self, asked: Asked) -> bool:
        if f"/workspaces/{self.workspace}/" not in asked.path:
            return False
        return asked.headers.get("authorization") in (f"RC-WSKEY {self.key}", f"Bearer {self.key}")

    def create(self, asked: Asked) -> Said:
        order = asked.json
        key = order["payload"]["andon_key"]

        def make() -> Said:
            item = {"id": str(uuid4()), "state": "new", "payload": order["payload"], "process": order["process"]}
            self.items[item["id"]] = item
            self.made_of[key].append(item["id"])
            return Said(201, {"id": item["id"], "state": "new"})

        return self.making(key, make)

    def show(self, asked: Asked, item: str) -> Said:
        with self.lock:
            return Said(200, self.items[item]) if item in self.items else Said(404)

    def index(self, asked: Asked) -> Said:
        """List items, the newest first, a page at a time."""
        first, limit = int(asked.query.get("offset", "0")), int(asked.query["limit"])
        with self.lock:
            process = asked.query["process_id"]
            found = [item for item in reversed(self.items.values()) if item["process"]["id"] == process]
        following = f"{self.url}{asked.path}?process_id={process}&limit={limit}&offset={first + limit}"
        more = len(found) > first + limit
        return Said(200, {"data": found[first : first + limit], "has_more": more, "next": following if more else None})

    def reserve(self, asked: Asked) -> Said:
        """Give the robot the next item."""
        with self.lock:
            for item in self.items.values():
                if item["state"] == "new":
                    item["state"] = "in_progress"
                    return Said(200, {"workItemId": item["id"]})
        return Said(200, {"workItemId": None})

    def release(self, asked: Asked) -> Said:
        """Take an item back from the robot."""
        told = asked.json
        with self.lock:
            item = self.items[told["workItemId"]]
            item["state"] = {"COMPLETED": "completed", "FAILED": "failed"}[told["state"]]
            item["exception"] = told.get("exception")
        return Said(200, {})

    def payload(self, asked: Asked, item: str) -> Said:
        return Said(200, self.items[item]["payload"])

    def files(self, asked: Asked, item: str) -> Said:
        return Said(200, [])

    routes: ClassVar[list[Route]] = [
        ("POST", "/api/v1/workspaces/[^/]+/work-items", create),
        ("GET", "/json-v1/workspaces/[^/]+/workitems/([^/]+)/files", files),
        ("GET", "/api/v1/workspaces/[^/]+/work-items", index),
        ("GET", "/api/v1/workspaces/[^/]+/work-items/([^/]+)", show),
        ("POST", ".*/reserve-next-work-item", reserve),
        ("POST", ".*/release-work-item", release),
        ("GET", "/json-v1/workspaces/[^/]+/workitems/([^/]+)/data", payload),
    ]
