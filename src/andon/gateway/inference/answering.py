"""The use case that both forms of the protocol share: permissions, metadata, and deciding the rows of a request.

The name of a model is the name of an automation. A version is a version number of its model, and naming one pins it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from uuid import UUID

from andon.access import Permission, Principal
from andon.decisions import (
    Decision,
    DecisionRecord,
    DecisionRequest,
    KeyInFlight,
    Line,
    Priority,
    VersionNotServed,
)
from andon.gateway.admission import SENT_AWAY
from andon.gateway.authorization import bearer
from andon.gateway.decide.first_answers import FirstAnswers
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import Overloaded
from andon.gateway.inference.outputs import OUTPUTS, Inferred, inferred, inferred_again, require_known, response_of
from andon.gateway.inference.request_keys import keys_of
from andon.gateway.inference.rows import inputs_of, read_rows
from andon.gateway.side import Side
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.serving.inference import (
    InferenceInvalid,
    InferRequest,
    InferResponse,
    ModelMetadata,
    Parameter,
    ServerMetadata,
    shown,
)
from andon.version import __version__

EXTENSIONS = ("binary_tensor_data", "parameters", "model_repository")

_PRIORITIES = (Priority.INTERACTIVE, Priority.NORMAL, Priority.BULK)


@dataclass(frozen=True, slots=True)
class InferenceCall:
    """The caller of a request, and what its headers say. `began_ns` and `deadline_ns` are on `time.perf_counter_ns`."""

    caller: Principal
    correlation_id: str
    began_ns: int
    deadline_ns: int
    traceparent: str | None = None
    priority: Priority | None = None
    pinned: int | None = None


class Inference:
    """The use case of one gateway."""

    def __init__(self, gateway: Gateway, side: Side) -> None:
        self.gateway = gateway
        self._side = side
        self._first_answers = FirstAnswers(gateway.decider, gateway.database)

    def authenticate(self, header: str | None) -> Principal:
        """Return the caller, by the Authorization header. Raises Unauthenticated."""
        return self.gateway.keys.authenticate(bearer(header), self.gateway.clock.now())

    async def problems(self) -> str:
        """Return what keeps this gateway from taking work; empty if nothing does."""
        found = await asyncio.to_thread(self._side.problems)
        return "; ".join(f"{where}: {what}" for where, what in found.items())

    def server(self, extensions: Sequence[str] = EXTENSIONS) -> ServerMetadata:
        """Return the metadata of the server, with the extensions of the protocol that a form of it offers."""
        return ServerMetadata("andon", __version__, extensions)

    def metadata(self, caller: Principal, model: str, version: str) -> ModelMetadata:
        """Return the inputs, outputs and versions of an automation. Raises as `line` does."""
        line = self.line(caller, model, version)
        return ModelMetadata(model, _versions(line), "andon_automation", inputs_of(line.contract), OUTPUTS)

    def line(self, caller: Principal, model: str, version: str) -> Line:
        """Return an automation that is ready. Raises Forbidden, AutomationNotFound, VersionNotServed, NotReady."""
        if not caller.may(Permission.DECIDE, model):
            caller.require(Permission.READ_AUTOMATIONS, model)
        line = self.gateway.line(model)
        if version:
            _number(line, version)
        return line

    def index(self, caller: Principal) -> list[dict[str, str]]:
        """List the automations that the caller may see, with their versions, as the model repository extension asks."""
        deployment = self.gateway.deployment
        known = sorted(set(deployment.lines) | set(deployment.problems))
        seen = [
            name for name in known if any(caller.may(p, name) for p in (Permission.DECIDE, Permission.READ_AUTOMATIONS))
        ]
        ready = [
            {"name": name, "version": version, "state": "READY", "reason": ""}
            for name in seen
            if name in deployment.lines
            for version in _versions(deployment.lines[name])
        ]
        missing = [name for name in seen if name not in deployment.lines]
        return ready + [
            {"name": name, "version": "", "state": "UNAVAILABLE", "reason": str(deployment.problems[name])}
            for name in missing
        ]

    def admit(self, caller: Principal, model: str) -> str:
        """Admit one request and return the value of its RateLimit header. Raises Forbidden, RateLimited, Overloaded."""
        caller.require(Permission.DECIDE, model)
        return self.gateway.admission.admit(caller.id)

    async def infer(self, request: InferRequest, asked: InferenceCall) -> InferResponse:
        """Decide every row. Nothing is decided if one row is wrong.

        The request must be admitted. Raises the errors of the protocol, the contract, the permissions, the load and
        the ledger.
        """
        line, caller = self.gateway.line(request.model), asked.caller
        pinned = self._pinned(line, request.version, asked)
        wanted = [output.name for output in request.outputs]
        require_known(wanted)
        rows = read_rows(line.contract, request.inputs, self.gateway.settings.gateway.max_in_flight)
        for _ in rows[1:]:
            self.gateway.admission.admit(caller.id)
        priority = _priority(request.parameters, asked, len(rows))
        deadline_ns = _deadline(request.parameters, asked)
        now = self.gateway.clock.now()
        raws = [raw for raw, _ in rows]
        identifier = request.id if self.gateway.settings.gateway.inference_ids_are_keys else ""
        keys = keys_of(request.model, caller.name, identifier, raws)
        answers = await self._answers(
            [
                DecisionRequest(
                    id=uuid7(now),
                    automation=request.model,
                    raw=raw,
                    input=values,
                    caller=caller.name,
                    correlation_id=asked.correlation_id,
                    asked_at=now,
                    began_ns=asked.began_ns,
                    traceparent=asked.traceparent,
                    priority=priority,
                    deadline_ns=deadline_ns,
                    pinned=pinned,
                    idempotency=key,
                )
                for (raw, values), key in zip(rows, keys, strict=True)
            ]
        )
        return response_of(answers, wanted=wanted, model=request.model, id=request.id)

    def new_id(self) -> UUID:
        """Return a correlation id for a caller that sent none."""
        return uuid7(self.gateway.clock.now())

    def told(self, model: str, status: int, began_ns: int) -> None:
        """Count an answer."""
        known = self.gateway.label_of(model)
        self.gateway.metrics.requests.add((known, str(status)))
        if status < 300:
            self.gateway.metrics.latency.observe_times((known,), (perf_counter_ns() - began_ns) / 1e9)

    def sent_away(self, model: str, error: AndonError) -> None:
        """Count a refusal for want of capacity or time."""
        if reason := SENT_AWAY.get(type(error)):
            known = self.gateway.label_of(model)
            self.gateway.metrics.refused.add((known, reason))

    def _pinned(self, line: Line, version: str, asked: InferenceCall) -> int | None:
        """Return the version that the request pins, if any. Raises Forbidden, VersionNotServed."""
        if not version:
            return None if asked.pinned is None else _number(line, str(asked.pinned))
        asked.caller.require(Permission.PIN_VERSION, line.automation.name)
        return _number(line, version)

    async def _answers(self, requests: Sequence[DecisionRequest]) -> list[Inferred]:
        """Decide rows, or return what an earlier request with the same id got. Raises KeyReused, KeyInFlight."""
        first = requests[0].idempotency
        if first is None:
            return [inferred(decision) for decision in await self._decide(requests) if decision is not None]
        in_flight, mark = self.gateway.keys_in_flight, (first.scope, first.key)
        if mark in in_flight:
            raise KeyInFlight(retry_after=1)
        in_flight.add(mark)
        try:
            known = await asyncio.gather(*map(self._known, requests))
            new = [request for request, record in zip(requests, known, strict=True) if record is None]
            made = iter(await self._decide(new) if new else [])
            answers = []
            for request, record in zip(requests, known, strict=True):
                decision = None if record is not None else next(made)
                if decision is not None:
                    answers.append(inferred(decision))
                    continue
                again = record or await self._known(request)
                if again is None:
                    raise KeyInFlight(retry_after=1)
                answers.append(inferred_again(again))
            return answers
        finally:
            in_flight.discard(mark)

    async def _known(self, request: DecisionRequest) -> DecisionRecord | None:
        """Find the decision under the key of a row. Raises KeyReused."""
        return None if request.idempotency is None else await self._first_answers.of(request.idempotency)

    async def _decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | None]:
        """Decide all rows, in order. If one fails, the request fails, and its error says how many rows were decided.

        None stands for a row that was decided under its key before.
        """
        gateway, count = self.gateway, len(requests)
        admission = gateway.admission
        if admission.in_flight + count > gateway.settings.gateway.max_in_flight:
            raise Overloaded(retry_after=1)
        admission.in_flight += count
        try:
            answers = await asyncio.gather(*gateway.decider.decide_all(requests), return_exceptions=True)
        finally:
            admission.in_flight -= count
        decisions = [answer for answer in answers if not isinstance(answer, BaseException)]
        keyed = requests[0].idempotency is not None
        if len(decisions) == count and (keyed or None not in decisions):
            return decisions
        raise _shortfall(answers, requests[0].correlation_id, sum(map(bool, decisions)))


def _shortfall(answers: Sequence[Decision | BaseException | None], correlation_id: str, decided: int) -> BaseException:
    """Return the error that says why not all rows were decided, and how to find those that were."""
    error = next((answer for answer in answers if isinstance(answer, BaseException)), None)
    if error is None:
        return RuntimeError("the database refused to record a decision; see `decision.refused_by_database` in the log")
    if decided and isinstance(error, AndonError):
        where = f"{decided} of {len(answers)} rows were decided and recorded, under the correlation id {correlation_id}"
        return type(error)(f"{error} ({where})", **error.details)
    return error


def _versions(line: Line) -> list[str]:
    return [str(number) for number in line.traffic.versions]


def _number(line: Line, version: str) -> int:
    """Return the number of a version. Raises VersionNotServed."""
    if version not in _versions(line):
        raise VersionNotServed(
            f"Version {shown(version)} of {line.automation.name} does not answer here; "
            f"these do: {', '.join(_versions(line))}"
        )
    return int(version)


def _whole(parameters: Mapping[str, Parameter], name: str) -> int:
    """Return a parameter that is a whole number; 0 if it is absent. Raises InferenceInvalid."""
    value = parameters.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InferenceInvalid(f"The parameter {name} must be a whole number and not negative")
    return value


def _priority(parameters: Mapping[str, Parameter], asked: InferenceCall, rows: int) -> Priority:
    """Return the priority: that of the parameter (1 first, 3 and above last), otherwise that of the header.

    Without either, one row is interactive and several are normal.
    """
    given = _whole(parameters, "priority")
    if given:
        return _PRIORITIES[min(given, len(_PRIORITIES)) - 1]
    if asked.priority is not None:
        return asked.priority
    return Priority.INTERACTIVE if rows == 1 else Priority.NORMAL


def _deadline(parameters: Mapping[str, Parameter], asked: InferenceCall) -> int:
    """Return the earlier of the call's own deadline and the parameter `timeout`, which is in microseconds."""
    microseconds = _whole(parameters, "timeout")
    return min(asked.deadline_ns, asked.began_ns + 1000 * microseconds) if microseconds else asked.deadline_ns
