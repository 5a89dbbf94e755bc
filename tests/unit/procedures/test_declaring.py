"""Declaring procedures: what is a version, what is refused, what an automation may run."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from andon import Automation, Policy, Procedure, Retry, procedure, run_procedure
from andon.authoring import DeclarationInvalid, ProcedureSpec
from andon.decisions import describe


class Given(BaseModel):
    amount: float


@procedure("pause")
async def pause(p: Procedure, given: Given) -> int:
    """Says what it does."""
    return await p.step(int, "1")


@procedure("pause", retired=True)
async def pause_before(p: Procedure, given: Given) -> int:
    return await p.step(int, "1")  # the same code under another name, with other words beside it


@procedure("pause")
async def pause_otherwise(p: Procedure, given: Given) -> int:
    return await p.step(int, "2")


def an_automation(**parts: Any) -> Automation:
    policy = Policy.yaml("outcomes: [pause, review]\nrules: []\notherwise: review\n")
    return Automation("line", contract=Given, model="m", policy=policy, **parts)


def test_the_version_is_the_code_not_its_name_words_or_layout() -> None:
    assert (pause.version, pause.flow) == (pause_before.version, f"pause@{pause.version}")
    assert pause_otherwise.version != pause.version
    assert len(pause.version) == 8


@pytest.mark.parametrize("name", ["", "Pause", "1st", "a b", "a" * 64])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DeclarationInvalid, match="a name is"):
        procedure(name)(pause.body)


def test_only_an_async_function_of_two_is_a_procedure() -> None:
    def plain(p: Procedure, given: Given) -> None: ...

    async def alone(p: Procedure) -> None: ...

    for wrong in (plain, alone):
        with pytest.raises(DeclarationInvalid, match="async def"):
            procedure("x")(wrong)  # type: ignore[arg-type]


def test_an_action_runs_only_what_is_among_the_automations_procedures() -> None:
    line = an_automation(actions={"pause": run_procedure("pause")}, procedures=[pause])
    assert (line.actions["pause"].connector, line.actions["pause"].destination) == ("procedure", "pause")
    for procedures in ([], [_retired(pause)]):
        with pytest.raises(DeclarationInvalid, match="not among its procedures"):
            an_automation(actions={"pause": run_procedure(pause)}, procedures=procedures)


def test_one_name_has_one_present_code_and_any_number_of_retired_ones() -> None:
    with pytest.raises(DeclarationInvalid, match="all but one"):
        an_automation(procedures=[pause, pause_otherwise])
    with pytest.raises(DeclarationInvalid, match="twice"):
        an_automation(procedures=[pause, pause_before])
    assert len(an_automation(procedures=[pause_otherwise, pause_before]).procedures) == 2


def test_a_change_of_a_procedure_is_another_version_of_the_automation() -> None:
    described = [describe(an_automation(procedures=[one])) for one in (pause, pause_otherwise)]
    assert described[0]["procedures"] == {"pause": pause.version}
    assert described[0] != described[1]
    assert "procedures" not in describe(an_automation())


@given(attempt=st.integers(1, 500), share=st.floats(0, 1))
def test_a_wait_between_attempts_never_exceeds_its_span(attempt: int, share: float) -> None:
    retry = Retry(first=timedelta(seconds=1), longest=timedelta(minutes=5))
    span = min(timedelta(seconds=2 ** min(attempt - 1, 20)), retry.longest)
    assert timedelta() <= retry.wait(attempt, share) <= span


def test_which_errors_are_tried_again() -> None:
    retry = Retry(on=(OSError,), never=(PermissionError,))
    assert [retry.wants(error) for error in (OSError(), PermissionError(), ValueError())] == [True, False, False]
    with pytest.raises(DeclarationInvalid):
        Retry(attempts=0)
    with pytest.raises(DeclarationInvalid):
        Retry(first=timedelta(hours=2))


def _retired(spec: ProcedureSpec) -> ProcedureSpec:
    return ProcedureSpec(spec.name, spec.body, retired=True)
