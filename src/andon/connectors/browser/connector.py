"""Scripts of steps in a web application, each in a browser of its own, one run at a time per account.

The click that cannot be undone is put on record before it happens. An attempt that ended before the click
is repeated. After the click, `done_when` checks in the application whether it was done. If that shows neither, a person
decides.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import playwright  # noqa: F401 - missing without the extra, which the message then names

from andon.actions import EvidenceStep, Template, ValueMissing, not_found, values_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, EvidenceKeeper, Repeat
from andon.connectors.browser.drive import DriveEnd, StepSeen, drive, sweep
from andon.connectors.browser.settings import BrowserOptions, BrowserSettings, Look, ScriptStep, origin_of
from andon.kernel.addresses import AddressRefused, Resolve, refuse_private, resolve
from andon.kernel.clock import Clock
from andon.kernel.ids import uuid7

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class BrowserConnector:
    """Drives browsers, and keeps what they show as evidence."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, evidence: EvidenceKeeper | None, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._evidence = evidence
        self._resolve = resolve
        self._swept = False

    async def deliver(self, delivery: Delivery) -> Answer:
        """Drive the script once. Waiting for the account is not part of its time."""
        options = _options(delivery)
        ready = await self._ready(delivery, options, [*options.login, *options.steps], look=None)
        if isinstance(ready, Answer):
            return ready
        end = await self._drive(delivery, options, ready, looks=False)
        if end.kind == "done":
            return Answer(AnswerKind.DELIVERED, end.detail, result=dict(end.result) or None)
        if end.kind == "refused":
            return Answer(AnswerKind.REFUSED, end.detail)
        if end.committed:
            return Answer(AnswerKind.UNKNOWN, f"{end.detail}, after the commit")
        if options.repeatable and end.kind == "unclear":
            return Answer(AnswerKind.FAILED, end.detail)
        return Answer(AnswerKind.FAILED, f"{end.detail}, before the commit")

    def can_inquire(self, _: Delivery) -> bool:
        """Return whether there is a record of commits."""
        return self._evidence is not None

    async def inquire(self, delivery: Delivery) -> Answer:
        """Find out whether the commit was reached; if so, check in the application."""
        options, settings = _options(delivery), _settings(delivery.destination)
        committed_at = None if self._evidence is None else await self._evidence.committed_at(delivery.key)
        if committed_at is None:
            return Answer(AnswerKind.FAILED, "the commit was not reached")
        if options.done_when is None:
            detail = "the commit was reached, and there is no done_when to check whether it was done"
            return Answer(AnswerKind.UNKNOWN, detail, final=True)
        steps = [*options.login, *options.done_when.steps]
        ready = await self._ready(delivery, options, steps, look=options.done_when)
        if isinstance(ready, Answer):
            return Answer(AnswerKind.UNKNOWN, ready.detail)
        looked_at = self._clock.now()
        end = await self._drive(delivery, options, ready, looks=True)
        if end.kind == "found":
            return Answer(AnswerKind.DELIVERED, end.detail, result=dict(end.result) or None)
        if end.kind == "missing":
            since = replace(delivery, sent_at=committed_at + timedelta(seconds=settings.step_seconds))
            return not_found(since, end.detail, now=looked_at, settle_seconds=settings.settle_seconds)
        return Answer(AnswerKind.UNKNOWN, f"checked whether it was done: {end.detail}")

    async def close(self) -> None:
        """Do nothing: each drive ends its own browser."""

    async def _drive(
        self, delivery: Delivery, options: BrowserOptions, call: Mapping[str, Any], *, looks: bool
    ) -> DriveEnd:
        run = uuid7(self._clock.now())
        marks: dict[int, EvidenceStep] = {}

        def entry(number: int, what: str, *, commit: bool) -> EvidenceStep:
            now = self._clock.now()
            return EvidenceStep(uuid7(now), delivery.key, delivery.automation, run, looks, number, what, commit, now)

        async def on_commit(number: int, what: str) -> bool:
            marks[number] = entry(number, what, commit=True)
            return self._evidence is None or await self._evidence.begin(marks[number], delivery.claim)

        async def on_step(seen: StepSeen) -> None:
            if self._evidence is not None:
                begun = marks.get(seen.number) or entry(seen.number, seen.what, commit=False)
                await self._evidence.keep(
                    begun.ended(self._clock.now(), seen.outcome, seen.detail, digest=seen.digest, picture=seen.picture)
                )

        seconds = delivery.destination.timeout.total_seconds()
        if self._evidence is None:
            return await drive(call, seconds=seconds, on_commit=on_commit, on_step=on_step)
        async with self._evidence.hold(f"{delivery.destination.name}/{options.account}"):
            return await drive(call, seconds=seconds, on_commit=on_commit, on_step=on_step)

    async def _ready(
        self, delivery: Delivery, options: BrowserOptions, steps: Sequence[ScriptStep], *, look: Look | None
    ) -> dict[str, Any] | Answer:
        """Return the call for the child process, or an answer with the reason why the script cannot run."""
        destination, settings = delivery.destination, _settings(delivery.destination)
        if not self._swept:
            sweep()
            self._swept = True
        lacking = sorted(set(options.secrets()) - set(settings.secrets))
        if lacking:
            where = f"[destinations.{destination.name}.browser]"
            return Answer(AnswerKind.REFUSED, f"{where} has no secret {', '.join(lacking)}")
        programs = PROGRAMS if settings.chromium is None else (settings.chromium,)
        chromium = next(filter(None, map(shutil.which, programs)), None)
        if chromium is None:
            return Answer(AnswerKind.FAILED, f"no browser is installed: none of {', '.join(programs)}")
        try:
            origin = origin_of(destination.url)
        except ValueError as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: the url: {error}")
        refused = await self._refused_address(destination, origin)
        if refused is not None:
            return refused
        try:
            values = values_of(delivery)
            call: dict[str, Any] = {"steps": [_filled(step, values) for step in steps]}
            if look is not None:
                call["look"] = {
                    "found": Template(look.found).fill(values),
                    "missing": Template(look.missing).fill(values),
                    "then": [_filled(step, values) for step in look.then],
                    "frame": look.frame,
                }
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        return call | {
            "url": destination.url,
            "origins": [origin, *settings.also],
            "secrets": {name: settings.secrets[name].get_secret_value() for name in set(options.secrets())},
            "chromium": chromium,
            "sandbox": settings.sandbox,
            "step_seconds": settings.step_seconds,
            "width": settings.width,
            "height": settings.height,
            "evidence": self._evidence is not None,
        }

    async def _refused_address(self, destination: Destination, origin: str) -> Answer | None:
        if destination.allow_private:
            return None
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            refuse_private(await self._resolve(host, port))
        except AddressRefused as refused:
            return destination.refuse_address(refused)
        except OSError:
            return Answer(AnswerKind.FAILED, f"no address for host {host}")
        return None


def _options(delivery: Delivery) -> BrowserOptions:
    return BrowserOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> BrowserSettings:
    return destination.settings_of("browser", BrowserSettings)


def _filled(step: ScriptStep, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step with its values filled in, in the form for the child process. Raises ValueMissing."""
    filled = step.model_dump(exclude_none=True)
    filled["shown"] = step.path or step.on
    for name, quoting in (("path", _quoted), ("on", str), ("value", str)):
        if name in filled:
            filled[name] = Template(filled[name]).fill(values, quote=quoting)
    return filled


def _quoted(text: str) -> str:
    return quote(text, safe="")
