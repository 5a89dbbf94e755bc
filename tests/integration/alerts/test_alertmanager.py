"""A real Alertmanager takes our alerts, and their end. Debian's package `prometheus-alertmanager` brings it."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alarming import breached, recovered
from andon import alerts
from andon.actions import Deliveries, Destination, Repeat
from andon.bootstrap.alerting import alert_routes, check_alert_routes
from andon.bootstrap.connecting import Kinds
from andon.connectors.http.connector import HttpConnector
from andon.kernel.config import AlertSettings, DestinationSettings, Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.monitors import Level
from andon_demo.line import free_ports
from integration.actions.delivering import MovedClock
from lines import Installation

PROGRAM = "prometheus-alertmanager"
QUIET = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
SEGMENT = {"country": "AT"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[str]:
    """Return the address of an Alertmanager that notifies nobody."""
    found = shutil.which(PROGRAM)
    if found is None:
        pytest.skip(f"needs {PROGRAM}: `apt-get install {PROGRAM}`")
    (port,) = free_ports(1)
    config = tmp_path / "alertmanager.yml"
    config.write_text(QUIET)
    process = subprocess.Popen(
        [
            found,
            f"--config.file={config}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        assert comes(lambda: ready(address))
        yield address
    finally:
        process.terminate()
        process.wait(10)


def comes(happened: Callable[[], bool]) -> bool:
    """Whether something happens within half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.1)
    return False


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/-/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def there(address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{address}/api/v2/alerts", trust_env=False).json()
    return found


def settings_with(address: str, **destination: Any) -> Settings:
    return Settings(
        destinations={"manager": DestinationSettings(url=address, allow_private=True, **destination)},
        alerts={"pager": AlertSettings(destination="manager", connector="alertmanager")},
    )


def send(database: Database, address: str, folder: Path, *, ahead: timedelta) -> None:
    """Send and deliver what is due by then."""
    clock = MovedClock(ahead)
    routes = alert_routes(settings_with(address, repeat="idempotent"), Kinds(folder))
    with database.begin() as tx:
        while alerts.send_due(tx, routes, console="https://andon.example", now=clock.now()):
            pass
    destination = Destination("manager", address, allow_private=True, repeat=Repeat.IDEMPOTENT)

    async def deliver() -> None:
        deliveries = Deliveries(
            database, {"http": HttpConnector(clock)}, {"manager": destination}, clock, events=Events()
        )
        await deliveries.run_round()
        await deliveries.close()

    asyncio.run(deliver())


def test_an_alert_burns_in_alertmanager_until_it_is_over(
    manager: str, database: Database, installation: Installation, events: Events, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    alert = breached(database, events, now, level=Level.CRITICAL, segment=SEGMENT)
    breached(database, events, now, monitor="latency")
    send(database, manager, tmp_path, ahead=timedelta(seconds=10))
    burning = {one["labels"]["monitor"]: one for one in there(manager)}
    assert set(burning) == {"drift", "latency"}
    shown = burning["drift"]
    assert shown["labels"] == {
        "alertname": "AndonDrift",
        "automation": "payments",
        "monitor": "drift",
        "segment": "country=AT",
        "severity": "critical",
    }
    assert (shown["status"]["state"], shown["generatorURL"]) == (
        "active",
        f"https://andon.example/alerts/{alert.id}",
    )
    assert shown["annotations"]["description"] == alert.message
    recovered(database, events, datetime.now(UTC), segment=SEGMENT)
    send(database, manager, tmp_path, ahead=timedelta(minutes=6))
    assert comes(lambda: {one["labels"]["monitor"] for one in there(manager)} == {"latency"})


def test_what_alertmanager_needs_is_asked_for_at_the_start(tmp_path: Path) -> None:
    [fault] = check_alert_routes(settings_with("http://127.0.0.1:9"), Kinds(tmp_path))
    assert fault.where == "[alerts.pager]"
    assert 'repeat = "idempotent"' in fault.message
