"""One rig for each kind of robot: a fake of its control room, a destination, and what an action asks of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr

from andon import browser, choose, click, expect_text, fill, go, look, read, refused_when, secret
from andon.actions import Destination
from andon.connectors.automation_anywhere import ControlRoomSettings
from andon.connectors.browser import BrowserSettings
from andon.connectors.power_automate import PowerAutomateSettings
from andon.connectors.robocorp import RobocorpSettings
from andon.connectors.uipath import UipathSettings
from andon_demo.legacy import LegacyBank, LegacyServer
from control_rooms import AutomationAnywhere, PowerAutomate, Robocorp
from faulty import FaultyServer
from orchestrator import Orchestrator

SECRET = "a-secret-of-the-campaign"
SETTLE = 1.0
FLOW = "f091ffab-58bb-4630-a115-659453d56f59"
NAMES = ("uipath_queue", "uipath_job", "automation_anywhere", "power_automate", "http_trigger", "robocorp", "browser")


@dataclass
class Rig:
    """A kind of robot under test. `knowable`: whatever happens, it can be found out."""

    name: str
    connector: str
    destination: Destination
    options: Callable[[int], Mapping[str, Any]]
    taken: Callable[[], Mapping[str, int]]
    finish: Callable[[str], None]
    watch: Callable[[Callable[[str], None]], None]
    knowable: bool = True
    finished: set[str] = field(default_factory=set)

    def finish_all(self) -> None:
        """Let the robot end whatever it began."""
        for key in list(self.taken()):
            if key not in self.finished:
                self.finish(key)
                self.finished.add(key)


@contextmanager
def rigs(names: Iterator[str] | tuple[str, ...]) -> Iterator[list[Rig]]:
    """Run the fakes of these rigs for as long as the block lasts."""
    with ExitStack() as stack:
        yield [_MAKERS[name](stack) for name in names]


def _settings(shape: type[BaseModel], **given: Any) -> BaseModel:
    return shape.model_validate(given, context={"environment": {"SECRET": SECRET}})


def _destination(name: str, kind: str, url: str, settings: BaseModel, **changes: Any) -> Destination:
    given: dict[str, Any] = {
        "timeout": timedelta(seconds=20),
        "max_attempts": 10_000,
        "allow_private": True,
        "max_concurrent": 3,
        "settings": {kind: settings},
    }
    return Destination(name, url, **(given | changes))


def _server_rig(name: str, kind: str, server: Any, destination: Destination, options: Any, **more: Any) -> Rig:
    room: FaultyServer = server

    def watch(on_made: Callable[[str], None]) -> None:
        room.on_made = on_made

    finish = getattr(server, "finish", lambda _: None)
    return Rig(name, kind, destination, lambda _: options, lambda: dict(room.taken), finish, watch, **more)


def _orchestrator(stack: ExitStack, name: str, options: Mapping[str, Any]) -> Rig:
    server = stack.enter_context(Orchestrator("andon", SECRET))
    settings = _settings(
        UipathSettings, client_id="andon", client_secret_env="SECRET", poll_seconds=0.2, settle_seconds=SETTLE
    )
    return _server_rig(name, "uipath", server, _destination(name, "uipath", server.base, settings), options)


def _uipath_queue(stack: ExitStack) -> Rig:
    return _orchestrator(stack, "uipath_queue", {"queue": "PauseTransfer"})


def _uipath_job(stack: ExitStack) -> Rig:
    return _orchestrator(stack, "uipath_job", {"process": "BlockCard"})


def _automation_anywhere(stack: ExitStack) -> Rig:
    server, name = stack.enter_context(AutomationAnywhere("andon", SECRET)), "automation_anywhere"
    settings = _settings(
        ControlRoomSettings, user="andon", api_key_env="SECRET", poll_seconds=0.2, settle_seconds=SETTLE
    )
    return _server_rig(name, name, server, _destination(name, name, server.url, settings), {"bot": 42})


def _power_automate(stack: ExitStack) -> Rig:
    server, name = stack.enter_context(PowerAutomate("andon", SECRET)), "power_automate"
    settings = _settings(
        PowerAutomateSettings,
        token_url=f"{server.url}/token",
        client_id="andon",
        client_secret_env="SECRET",
        connection="desk",
        poll_seconds=0.2,
        settle_seconds=SETTLE,
    )
    calls_back = {"secrets": (SecretStr(SECRET),), "callback_url": "https://andon.bank.example"}
    destination = _destination(name, name, server.url, settings, **calls_back)
    return _server_rig(name, name, server, destination, {"flow": FLOW})


def _http_trigger(stack: ExitStack) -> Rig:
    server, name = stack.enter_context(PowerAutomate("andon", SECRET)), "http_trigger"
    destination = _destination(name, "power_automate", f"{server.url}/trigger", PowerAutomateSettings())
    return _server_rig(name, "power_automate", server, destination, {}, knowable=False)


def _robocorp(stack: ExitStack) -> Rig:
    server, name = stack.enter_context(Robocorp(SECRET)), "robocorp"
    settings = _settings(
        RobocorpSettings, workspace="w1", api_key_env="SECRET", poll_seconds=0.2, settle_seconds=SETTLE
    )
    destination = _destination(name, name, f"{server.url}/api/v1", settings)
    return _server_rig(name, name, server, destination, {"process": "p1"})


def _browser(stack: ExitStack) -> Rig:
    server = stack.enter_context(LegacyServer(LegacyBank(password=SECRET)))
    settings = BrowserSettings.model_validate(
        {
            "secrets": {"user": "USER", "password": "SECRET"},
            "sandbox": False,
            "step_seconds": 15,
            "settle_seconds": SETTLE,
        },
        context={"environment": {"USER": server.bank.user, "SECRET": SECRET}},
    )
    destination = _destination("browser", "browser", server.url, settings, timeout=timedelta(seconds=60))

    def watch(on_made: Callable[[str], None]) -> None:
        server.on_block = on_made

    return Rig("browser", "browser", destination, _script, server.bank.counts, lambda _: None, watch)


def _script(number: int) -> Mapping[str, Any]:
    """Return the script that blocks a card, for one of three accounts."""
    main = {"frame": "main"}
    login = [
        go("/login"),
        fill("#user", secret("user")),
        fill("#password", secret("password")),
        click("#signon"),
        expect_text("#welcome", "signed on", **main),
    ]
    steps = [
        go("/block", **main),
        refused_when("#error", **main),
        fill("#card", "4111111111111111", **main),
        choose("#reason", "stolen", **main),
        fill("#reference", "{key}", **main),
        click("#submit", commit=True, **main),
        expect_text("#done", "card blocked", **main),
        read("#number", "number", **main),
    ]
    done = look([go("/search?reference={key}", **main)], found="tr.entry", missing="#none", **main)
    return browser("browser", account=f"robot{number % 3}", login=login, steps=steps, done_when=done).options


_MAKERS: Mapping[str, Callable[[ExitStack], Rig]] = {
    "uipath_queue": _uipath_queue,
    "uipath_job": _uipath_job,
    "automation_anywhere": _automation_anywhere,
    "power_automate": _power_automate,
    "http_trigger": _http_trigger,
    "robocorp": _robocorp,
    "browser": _browser,
}
