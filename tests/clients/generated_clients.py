"""Makes clients of a gateway's documents with two generators, imports all of them, and works through one with them.

Called with the gateway's URL, a key and an empty folder; prints what it saw as JSON. The key stands in the environment.
"""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import httpx

URL, FOLDER = sys.argv[1], Path(sys.argv[2])
KEY = os.environ["ANDON_KEY"]
BIN = Path(sys.executable).parent


def document(path: str, name: str) -> Path:
    """Fetch an OpenAPI document."""
    answer = httpx.get(URL + path, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps(answer.raise_for_status().json()), encoding="utf-8")
    return file


def client_of(file: Path) -> tuple[str, str]:
    """Return the package that openapi-python-client makes of a document, and what it said."""
    settings = FOLDER / "settings.yml"
    settings.write_text("post_hooks: []\n", encoding="utf-8")
    package = f"client_{file.stem}"
    order = ["generate", "--path", file, "--output-path", FOLDER / package, "--meta", "none", "--config", settings]
    return package, ran(BIN / "openapi-python-client", *order)


def models_of(file: Path) -> str:
    """Return the module that datamodel-code-generator makes of a document."""
    module = f"models_{file.stem}"
    order = ["--input", file, "--input-file-type", "openapi", "--output", FOLDER / f"{module}.py"]
    order += ["--output-model-type", "pydantic_v2.BaseModel", "--openapi-scopes", "schemas", "--formatters", "builtin"]
    ran(BIN / "datamodel-codegen", *order)
    return module


def ran(*order: Any) -> str:
    done = subprocess.run(list(map(str, order)), capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout + done.stderr


def operations(package: str) -> dict[str, ModuleType]:
    """Import every module of a client; return those of its operations by name."""
    root = import_module(package)
    modules = [import_module(found.name) for found in walk_packages(root.__path__, f"{package}.")]
    return {module.__name__.rpartition(".")[2]: module for module in modules if hasattr(module, "sync_detailed")}


def worked(api: dict[str, ModuleType], own: dict[str, ModuleType], package: str, own_package: str) -> dict[str, Any]:
    """Go the main ways: decide, read back, review, label, bring events, and be refused."""
    seen: dict[str, Any] = {}
    client = import_module(package).AuthenticatedClient(base_url=URL, token=KEY, httpx_args={"trust_env": False})
    models, inputs = import_module(f"{package}.models"), import_module(f"{own_package}.models")
    own_client = import_module(own_package).AuthenticatedClient(
        base_url=URL, token=KEY, httpx_args={"trust_env": False}
    )
    payment = inputs.Payment(payment_id="p1", account="a1", amount=290.0)
    decided = own["decide"].sync(client=own_client, body=payment, idempotency_key="k1")
    seen["decided"] = [str(decided.id), decided.outcome]
    bulk = own["decide_batch"].sync(client=own_client, body=[payment, payment])
    seen["bulk"] = [type(answer).__name__ for answer in bulk]
    later = own["decide"].sync_detailed(client=own_client, body=payment, prefer="respond-async")
    seen["later"] = [int(later.status_code), later.parsed.status]
    seen["read back"] = str(api["get_decision"].sync(decided.id, client=client).id)
    seen["listed"] = str(decided.id) in {str(one.id) for one in api["list_decisions"].sync(client=client).decisions}
    label = models.LabelIn.from_dict({"value": "fraud", "source": "event"})
    seen["label"] = api["record_label"].sync(decided.id, client=client, body=label).value
    report = models.TruthReport.from_dict({"decision_id": str(decided.id), "value": "fraud"})
    seen["labels"] = [row.result for row in api["report_labels"].sync(client=client, body=[report]).rows]
    seen["automations"] = [one.name for one in api["list_automations"].sync(client=client)]
    seen["models"] = [one.name for one in api["list_models"].sync(client=client)]
    seen["reviews"] = len(api["list_reviews"].sync(client=client).reviews)
    event = models.CloudEvent.from_dict(
        {"specversion": "1.0", "id": "1", "source": "/bank", "type": "payment.made", "data": payment.to_dict()}
    )
    seen["event"] = api["bring_events"].sync(client=client, body=event).events[0].status
    seen["events"] = [one.status for one in api["bring_event_batch"].sync(client=client, body=[event, event]).events]
    wanted = models.PullIn.from_dict({"state": "supervised", "reason": "A try with a generated client"})
    seen["cord"] = api["pull_cord"].sync("payments", client=client, body=wanted).to_dict()["state"]
    refused = api["get_automation"].sync_detailed("nobody", client=client)
    seen["refused"] = [int(refused.status_code), refused.parsed.code]
    seen["ready"] = api["get_readiness"].sync(client=client).status
    return seen


def main() -> None:
    """Print what was made and seen."""
    sys.path.insert(0, str(FOLDER))
    whole, own = document("/openapi.json", "all"), document("/v1/automations/payments/openapi.json", "payments")
    (package, said), (own_package, own_said) = client_of(whole), client_of(own)
    models, own_models = import_module(models_of(whole)), import_module(models_of(own))
    api, own_api = operations(package), operations(own_package)
    answer = httpx.get(f"{URL}/v1/automations", headers={"Authorization": f"Bearer {KEY}"}, trust_env=False).json()[0]
    warnings = [line for line in (said + own_said).splitlines() if "WARNING" in line or "Unsupported" in line]
    made = {
        "operations": sorted(api),
        "own operations": sorted(own_api),
        "warnings": warnings,
        "seen": worked(api, own_api, package, own_package),
        "model": models.AutomationOut.model_validate(answer).name,
        "input": own_models.Payment(payment_id="p", account="a", amount=1).country,
    }
    json.dump(made, sys.stdout)


main()
