"""Scripts of steps in a web application, each in a browser of its own, one at a time for each account.

The click that cannot be taken back is put on record before it happens. So an attempt that ended before it may be
repeated, and after it the application itself is looked at (`done_when`): what that cannot tell is left to a person.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import playwright  # noqa: F401 - missing without the extra, which the message then names

from andon.actions import EvidenceStep, Template, ValueMissing, not_found, values_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, EvidenceKeeper, Repeat
from andon.connectors.browser.drive import DriveEnd, StepSeen, drive, sweep
from andon.connectors.browser.settings import BrowserOptions, BrowserSettings, Look, ScriptStep
from andon.kernel.addresses import AddressRefused, Resolve, refuse_private, resolve
from andon.kernel.clock import Clock
from andon.kernel.ids import uuid7

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class BrowserConnector:
    """Drives browsers, and keeps what could be seen as evidence."""

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
        """Say whether the commit was reached; if it was, look in the application."""
        options, settings = _options(delivery), _settings(delivery.destination)
        committed_at = None if self._evidence is None else await self._evidence.committed_at(delivery.key)
        if committed_at is None:
            return Answer(AnswerKind.FAILED, "the commit was not reached")
        if options.done_when is None:
            detail = "the commit was reached, and no done_when says how to look whether it was done"
            return Answer(AnswerKind.UNKNOWN, detail, final=True)
        steps = [*options.login, *options.done_when.steps]
        ready = await self._ready(delivery, options, steps, look=options.done_when)
        if isinstance(ready, Answer):
            return Answer(AnswerKind.UNKNOWN, ready.detail)
        end = await self._drive(delivery, options, ready, looks=True)
        if end.kind == "found":
            return Answer(AnswerKind.DELIVERED, end.detail, result=dict(end.result) or None)
        if end.kind == "missing":
            since = replace(delivery, sent_at=committed_at)
            return not_found(since, end.detail, now=self._clock.now(), settle_seconds=settings.settle_seconds)
        return Answer(AnswerKind.UNKNOWN, f"looked whether it was done: {end.detail}")

    async def close(self) -> None:
        """Nothing is kept open: each drive ends its browser."""

    async def _drive(
        self, delivery: Delivery, options: BrowserOptions, call: Mapping[str, Any], *, looks: bool
    ) -> DriveEnd:
        run = uuid7(self._clock.now())
        marks: dict[int, EvidenceStep] = {}

        def entry(number: int, what: str, *, commit: bool) -> EvidenceStep:
            now = self._clock.now()
            return EvidenceStep(uuid7(now), delivery.key, delivery.automation, run, looks, number, what, commit, now)

        async def on_commit(number: int, what: str) -> None:
            marks[number] = entry(number, what, commit=True)
            if self._evidence is not None:
                await self._evidence.begin(marks[number])

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
        """Return the call of the child, or why there can be none."""
        destination, settings = delivery.destination, _settings(delivery.destination)
        if not self._swept:
            sweep()
            self._swept = True
        lacking = sorted(set(options.secrets()) - set(settings.secrets))
        if lacking:
            where = f"[destinations.{destination.name}.browser]"
            return Answer(AnswerKind.REFUSED, f"{where} has no secret {', '.join(lacking)}")
        chromium = settings.chromium or next(filter(None, map(shutil.which, PROGRAMS)), None)
        if chromium is None:
            return Answer(AnswerKind.FAILED, f"no browser is installed: none of {', '.join(PROGRAMS)}")
        refused = await self._address(destination)
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
        parts = urlsplit(destination.url)
        return call | {
            "url": destination.url,
            "origins": [f"{parts.scheme}://{parts.netloc}", *settings.also],
            "secrets": {name: settings.secrets[name].get_secret_value() for name in set(options.secrets())},
            "chromium": chromium,
            "sandbox": settings.sandbox,
            "step_seconds": settings.step_seconds,
            "width": settings.width,
            "height": settings.height,
            "evidence": self._evidence is not None,
        }

    async def _address(self, destination: Destination) -> Answer | None:
        parts = urlsplit(destination.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            detail = f"[destinations.{destination.name}] cannot be used: the url is not http:// or https:// with a host"
            return Answer(AnswerKind.REFUSED, detail)
        if destination.allow_private:
            return None
        try:
            refuse_private(await self._resolve(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)))
        except AddressRefused as refused:
            return destination.refuse_address(refused)
        except OSError:
            return Answer(AnswerKind.FAILED, f"no address for host {parts.hostname}")
        return None


def _options(delivery: Delivery) -> BrowserOptions:
    return BrowserOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> BrowserSettings:
    return destination.settings_of("browser", BrowserSettings)


def _filled(step: ScriptStep, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step with its values, as the child takes it. Raises ValueMissing."""
    filled = step.model_dump(exclude_none=True)
    filled["shown"] = step.path or step.on
    for name, quoting in (("path", _quoted), ("on", str), ("value", str)):
        if name in filled:
            filled[name] = Template(filled[name]).fill(values, quote=quoting)
    return filled


def _quoted(text: str) -> str:
    return quote(text, safe="")
