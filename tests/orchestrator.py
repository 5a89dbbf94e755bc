"""An Orchestrator of UiPath on loopback, as far as Andon, UiPath's client and its robot use it: queues, jobs, robots.

with Orchestrator("andon", "secret") as orchestrator:
    ... AddQueueItem, StartJobs, heartbeatv2 ... below orchestrator.url
    orchestrator.finish(key, output={"reference": "B-1"})
"""

import json
import re
import secrets
import threading
from io import BytesIO
from typing import Any, ClassVar
from uuid import uuid4
from zipfile import ZipFile

from faulty import Asked, FaultyServer, Route, Said

FOLDER, FOLDER_ID = "Shared/Payments", 7


class Orchestrator(FaultyServer):
    """Queue `PauseTransfer` refuses a reference that it has; queue `Loose` does not. Process `BlockCard`."""

    def __init__(self, client: str = "andon", secret: str = "hush") -> None:
        super().__init__()
        self.client, self.secret = client, secret
        self.tokens: set[str] = set()
        self.tokens_given = 0
        self.items: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.queues = {"PauseTransfer": (1, True), "Loose": (2, False)}
        self.processes = {"BlockCard": str(uuid4())}
        self.package = a_package()
        self.changed = threading.Condition(self.lock)
        self.token = ""

    @property
    def base(self) -> str:
        """Where Orchestrator itself is, as in the cloud."""
        return f"{self.url}/bank/test/orchestrator_"

    def revoke(self) -> None:
        """Refuse all tokens that were given."""
        self.tokens.clear()

    def finish(self, key: str, status: str = "Successful", **changes: Any) -> None:
        """End the item or the job of a reference."""
        with self.lock:
            for item in [*self.items.values()]:
                if item["Reference"] == key:
                    item.update({"Status": status, **changes})
            for job in [*self.jobs.values()]:
                if job["Reference"] == key:
                    job.update({"State": status, **changes})

    def is_allowed(self, asked: Asked) -> bool:
        if asked.path.endswith("/connect/token"):
            return True
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        return (scheme == "Bearer" and token in self.tokens) or scheme == "UiRobot" or "license" in str(asked.headers)

    def give_token(self, asked: Asked) -> Said:
        form = asked.form
        if (form.get("client_id"), form.get("client_secret")) != (self.client, self.secret):
            return Said(401, {"error": "invalid_client"})
        self.tokens_given += 1
        self.token = secrets.token_urlsafe()
        self.tokens.add(self.token)
        return Said(200, {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600})

    def queue_definitions(self, asked: Asked) -> Said:
        name = _named(asked)
        rows = [{"Id": i, "Name": n, "EnforceUniqueReference": u} for n, (i, u) in self.queues.items() if n == name]
        return Said(200, {"value": rows})

    def releases(self, asked: Asked) -> Said:
        name = _named(asked)
        return Said(200, {"value": [{"Id": 1, "Name": n, "Key": k} for n, k in self.processes.items() if n == name]})

    def add_item(self, asked: Asked) -> Said:
        return self._add(asked.json["itemData"], "New")

    def start_transaction(self, asked: Asked) -> Said:
        """Begin the work on an item: a new one of this reference, or the next that waits."""
        data = asked.json["transactionData"]
        with self.lock:
            for item in self.items.values():
                if item["Status"] == "New" and item["QueueDefinitionId"] == self.queues[data["Name"]][0]:
                    item["Status"] = "InProgress"
                    return Said(200, item)
        return Said(200, {}) if not data.get("SpecificContent") else self._add(data, "InProgress")

    def _add(self, data: dict[str, Any], status: str) -> Said:
        reference = data.get("Reference") or ""
        if data["Name"] not in self.queues:
            return Said(404, {"message": "The queue does not exist.", "errorCode": 1002})
        number, unique = self.queues[data["Name"]]
        with self.lock:
            if unique and any(
                i["Reference"] == reference and i["QueueDefinitionId"] == number for i in self.items.values()
            ):
                told = {"message": "Error creating Transaction. Duplicate Reference.", "errorCode": 1016}
                return Said(409, told)

            def make() -> Said:
                item = {
                    "Id": len(self.items) + 1,
                    "Key": str(uuid4()),
                    "Status": status,
                    "Reference": reference,
                    "QueueDefinitionId": number,
                    "SpecificContent": data.get("SpecificContent"),
                    "Priority": data.get("Priority"),
                    "Output": None,
                    "ProcessingException": None,
                }
                self.items[len(self.items) + 1] = item
                return Said(201, item)

            return self.making(reference, make)

    def set_result(self, asked: Asked, number: str) -> Said:
        result = asked.json["transactionResult"]
        with self.lock:
            item = self.items[int(number)]
            item["Status"] = "Successful" if result["IsSuccessful"] else "Failed"
            item["Output"] = result.get("Output")
            item["ProcessingException"] = result.get("ProcessingException")
        return Said(200, {})

    def list_items(self, asked: Asked) -> Said:
        return Said(200, {"value": self._referring(asked, self.items)})

    def start_jobs(self, asked: Asked) -> Said:
        start = asked.json["startInfo"]
        if start["ReleaseKey"] not in self.processes.values():
            return Said(404, {"message": "The process does not exist.", "errorCode": 1002})
        with self.lock:

            def make() -> Said:
                job = {
                    "Id": len(self.jobs) + 1,
                    "Key": str(uuid4()),
                    "State": "Pending",
                    "Reference": start.get("Reference"),
                    "InputArguments": start.get("InputArguments"),
                    "OutputArguments": None,
                    "ReleaseKey": start["ReleaseKey"],
                    "Info": None,
                }
                self.jobs[job["Id"]] = job
                return Said(201, {"value": [job]})

            return self.making(str(start.get("Reference")), make)

    def list_jobs(self, asked: Asked) -> Said:
        return Said(200, {"value": self._referring(asked, self.jobs)})

    def _referring(self, asked: Asked, rows: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = re.search(r"Reference eq '([^']*)'", asked.query.get("$filter", ""))
        with self.lock:
            found = [row for row in rows.values() if wanted is None or row["Reference"] == wanted[1]]
        return sorted(found, key=lambda row: -row["Id"])[: int(asked.query.get("$top", "100"))]

    def connection_data(self, asked: Asked) -> Said:
        return Said(200, {"licenseKey": "license-of-the-robot"})

    def heartbeat(self, asked: Asked) -> Said:
        """Give a waiting job to the robot that asks."""
        commands = []
        with self.lock:
            for job in self.jobs.values():
                if job["State"] == "Pending":
                    job["State"] = "Resumed"
                    commands.append(_command(job))
                    break
        told = {"serviceSettingsStamp": "1", "isUnattended": True, "isUnattendedLicensed": True}
        return Said(200, {"commands": commands, **told})

    def submit_state(self, asked: Asked) -> Said:
        with self.lock:
            for told in asked.json:
                for job in self.jobs.values():
                    if job["Key"] == told["jobKey"]:
                        job["State"] = told["jobState"]
                        job["OutputArguments"] = told.get("outputArguments")
                        job["Info"] = (told.get("error") or {}).get("detail")
            self.changed.notify_all()
        return Said(200, {})

    def begin_session(self, asked: Asked) -> Said:
        return Said(200, {"robotKey": str(uuid4()), "robotName": "robot", "hasLicense": True})

    def nothing(self, asked: Asked) -> Said:
        return Said(200, {})

    def download(self, asked: Asked) -> Said:
        return Said(200, self.package, {"content-type": "application/zip"})

    routes: ClassVar[list[Route]] = [
        ("POST", ".*/connect/token", give_token),
        ("GET", ".*/odata/QueueDefinitions", queue_definitions),
        ("GET", ".*/odata/Releases", releases),
        ("POST", r".*/odata/Queues/UiPathODataSvc\.AddQueueItem", add_item),
        ("POST", r".*/odata/Queues/UiPathODataSvc\.StartTransaction", start_transaction),
        ("POST", r".*/odata/Queues\((\d+)\)/UiPathODataSvc\.SetTransactionResult", set_result),
        ("GET", ".*/odata/QueueItems", list_items),
        ("POST", r".*/odata/Jobs/UiPath\.Server\.Configuration\.OData\.StartJobs", start_jobs),
        ("GET", ".*/odata/Jobs", list_jobs),
        ("GET", ".*/api/robotsservice/getsharedconnectiondata", connection_data),
        ("POST", ".*/api/robotsservice/heartbeatv2", heartbeat),
        ("POST", ".*/api/robotsservice/SubmitJobState", submit_state),
        ("POST", ".*/api/robotsservice/BeginSession", begin_session),
        ("POST", ".*/api/(?:robotsservice|Logs)/.*", nothing),
        ("GET", r".*/odata/Processes/UiPath\.Server\.Configuration\.OData\.DownloadPackage.*", download),
    ]


PROGRAM = """
from dataclasses import dataclass


@dataclass
class Card:
    card: str


@dataclass
class Blocked:
    reference: str


def main(card: Card) -> Blocked:
    return Blocked("B-" + card.card)
"""


def a_package() -> bytes:
    """Return a process of one function, as Orchestrator's feed has it."""
    packed = BytesIO()
    with ZipFile(packed, "w") as package:
        package.writestr("content/main.py", PROGRAM)
        package.writestr("content/uipath.json", json.dumps({"functions": {"main": "main.py:main"}}))
        package.writestr("content/pyproject.toml", '[project]\nname = "block-card"\nversion = "1.0.0"\n')
    return packed.getvalue()


def _named(asked: Asked) -> str:
    wanted = re.search(r"Name eq '((?:[^']|'')*)'", asked.query.get("$filter", ""))
    return "" if wanted is None else wanted[1].replace("''", "'")


def _command(job: dict[str, Any]) -> dict[str, Any]:
    data = {
        "packageId": "BlockCard",
        "packageVersion": "1.0.0",
        "processName": "BlockCard",
        "inputArguments": job["InputArguments"],
        "entryPointPath": "main",
        "jobKey": job["Key"],
        "processKey": job["ReleaseKey"],
        "folderId": FOLDER_ID,
        "fullyQualifiedFolderName": FOLDER,
        "folderKey": str(uuid4()),
        "folderPath": FOLDER,
        "id": str(uuid4()),
        "type": "StartProcess",
        "internalArguments": json.dumps({}),
    }
    return {
        "robotKey": str(uuid4()),
        "robotName": "robot",
        "robotType": 1,
        "machineId": 1,
        "hasLicense": True,
        "isExternalLicensed": False,
        "executionSettings": {},
        "authSettings": {},
        "data": data,
        "userDetails": {"key": str(uuid4()), "email": "robot@bank.example"},
    }
