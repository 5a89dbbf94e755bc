"""One execution of one procedure, from its beginning to its end, its next wait, or its compensation."""

from collections.abc import Mapping
from typing import Any

import structlog

from andon import decisions
from andon.authoring import ProcedureSpec, StepFailed
from andon.kernel.clock import Clock
from andon.kernel.db import Tx
from andon.kernel.durable import LEAVING
from andon.kernel.durable.running import NotRepeatable, Running
from andon.procedures import store
from andon.procedures.domain import ProcedureRecord
from andon.procedures.ports import AgentDesk, StepObserver
from andon.procedures.steps import Steps
from andon.procedures.values import as_given, as_json, words_of

_log = structlog.get_logger(__name__)


class ProcedureFailed(Exception):
    """A procedure failed; the message says why, and which steps could not be undone."""


async def carry_out(
    spec: ProcedureSpec, running: Running, clock: Clock, observer: StepObserver, desk: AgentDesk | None = None
) -> Any:
    """Run the function from its beginning; finished steps are not repeated. Return its result as JSON.

    Raises ProcedureFailed.
    """
    procedure, given, failures = await running.read(lambda tx: _facts(tx, running))
    steps = Steps(procedure, running, clock, failures, observer, desk)
    try:
        result = as_json(await spec.body(steps, as_given(spec.body, given)), spec.name)
    except LEAVING:
        raise
    except BaseException as error:  # noqa: BLE001 - the builder's code; reported, logged and undone
        why = str(error) if isinstance(error, StepFailed) else words_of(error)
        left = [] if isinstance(error, NotRepeatable) else await steps.undo()
        _log.warning(
            "procedure.failed",
            procedure_id=str(procedure.id),
            procedure=procedure.flow,
            correlation_id=procedure.correlation_id,
            error=type(error).__name__,
        )
        observer.ended(procedure.name, failed=True)
        raise ProcedureFailed("; ".join([why, *left])) from None
    observer.ended(procedure.name, failed=False)
    return result


def _facts(tx: Tx, running: Running) -> tuple[ProcedureRecord, Mapping[str, Any], dict[int, int]]:
    running.recall(tx)
    found = store.facts(tx, running.id)
    if found is None:
        raise ProcedureFailed(f"there is no procedure {running.id}")
    procedure, failures = found
    return procedure, _given(tx, procedure), failures


def _given(tx: Tx, procedure: ProcedureRecord) -> Mapping[str, Any]:
    """Return the function's input: the same at each execution, since the ledger never changes."""
    if procedure.input is not None:
        return procedure.input
    record = decisions.find(tx, procedure.decision_id)
    if record is None:
        raise ProcedureFailed(f"its decision {procedure.decision_id} is not in the ledger")
    return decisions.content_of(record, procedure.verdict)
