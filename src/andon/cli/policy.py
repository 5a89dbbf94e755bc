"""`andon policy`: checks a decision table, and tries it on facts, without a database or a model.

`publishing.py` handles published policies.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import decisions, policies
from andon.authoring import Automation
from andon.cli import policy_diff, publishing
from andon.cli.printing import Plain
from andon.kernel.errors import Fault, Invalid, NotFound
from andon.policies import GIVEN, DecisionTable, Facts, PolicyInvalid, Ruling, ValueKind

app = typer.Typer(help="Check a policy, try it on facts, publish it.", no_args_is_help=True)
app.command()(publishing.publish)
app.command()(publishing.use)
app.command("list")(publishing.list_published)
app.command()(publishing.show)
app.command()(policy_diff.diff)

File = Annotated[Path, typer.Argument(help="The decision table, a YAML file.")]
AutomationFile = Annotated[
    Path | None,
    typer.Option("--automation", help="The Python file of the automation, for the names under input and features."),
]
Facts_ = Annotated[Path, typer.Option("--input", help="A JSON file: input, features, prediction and risk.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ROOTS = ("input", "features", "prediction", "risk")
MAY_BE_ABSENT = frozenset(kind for kind in ValueKind if kind.endswith("null")) | {ValueKind.ANY}


class FileMissing(NotFound):
    """There is no such file."""


class FactsInvalid(Invalid):
    """The facts cannot be used."""


@app.command()
def check(file: File, automation: AutomationFile = None, as_json: AsJson = False) -> None:
    """Check a decision table: its form and conditions and, with an automation, every name in it and in its truth."""
    table = policies.parse(_read(file), source=str(file))
    if automation is None:
        policies.check(table)
        checked = "without an automation, so names under input and features are not checked"
    else:
        declared = _declared(automation, file)
        for each in declared:
            policies.compile(table, decisions.variables(each))
            decisions.check_outcomes(each, table.outcomes)
        checked = f"for {', '.join(each.name for each in declared)}"
    policies.require_proof(table)
    if as_json:
        _print_json(
            {
                "version": table.version,
                "rules": [rule.id for rule in table.rules],
                "outcomes": table.outcomes,
                "warnings": table.warnings,
            }
        )
        return
    for warning in table.warnings:
        typer.secho(f"warning: {warning}", fg=typer.colors.YELLOW, err=True)
    rules = f"{len(table.rules)} rule{'s' if len(table.rules) != 1 else ''}"
    typer.echo(f"{file} is sound: {rules}, version {table.version}; checked {checked}")


@app.command("try")
def try_(file: File, facts_file: Facts_, automation: AutomationFile = None, as_json: AsJson = False) -> None:
    """Show what a policy decides on given facts, and whether each rule holds."""
    table = policies.parse(_read(file), source=str(file))
    facts = _facts(facts_file)
    variables = _variables(table, facts, automation, file)
    if automation is None:
        _check_complete(table, facts, variables, facts_file)
    policy = policies.compile(table, variables)
    _check_complete(table, facts, variables, facts_file)
    ruling, holds = policy.evaluate(*facts), policy.matches(facts)
    if as_json:
        rules = [{"id": rule.id, "holds": each} for rule, each in zip(table.rules, holds, strict=True)]
        _print_json(
            {
                "outcome": ruling.outcome,
                "rule": ruling.rule,
                "reasons": ruling.reasons,
                "error": ruling.error,
                "version": table.version,
                "rules": rules,
            }
        )
        return
    _show(table, ruling, holds)


def _show(table: DecisionTable, ruling: Ruling, holds: Sequence[bool | str]) -> None:
    shown = Plain("", "rule", "holds", "then", "condition")
    for rule, each in zip(table.rules, holds, strict=True):
        mark = "→" if rule.id == ruling.rule else ""
        word = each if isinstance(each, str) else ("yes" if each else "no")
        shown.add_row(mark, rule.id, word, rule.then, " ".join(rule.when.split()))
    console = Console()
    console.print(shown)
    console.print(f"outcome: {ruling.outcome}", highlight=False)
    console.print(f"rule:    {ruling.rule}", highlight=False)
    console.print(f"reasons: {', '.join(ruling.reasons) or 'none'}", highlight=False)
    if ruling.error is not None:
        console.print(f"error:   {ruling.error}", highlight=False, markup=False, style="red")


def _variables(
    table: DecisionTable, facts: Facts, automation: Path | None, policy_file: Path
) -> Mapping[str, ValueKind]:
    """Return the names a condition may use: the automation's, or otherwise those with a value in the facts."""
    if automation is not None:
        return decisions.variables(_declared(automation, policy_file)[0])
    policies.check(table)
    return {
        f"{root}.{name}": policies.kind_of_value(value)
        for root, values in zip(ROOTS[:2], facts[:2], strict=True)
        for name, value in values.items()
    }


def _check_complete(table: DecisionTable, facts: Facts, variables: Mapping[str, ValueKind], facts_file: Path) -> None:
    """Require that the facts have a value for each name in the table. Raises FactsInvalid."""
    given = {f"{root}.{name}" for root, values in zip(ROOTS, facts, strict=True) for name in values}
    kinds = {**GIVEN, **variables}
    faults = [
        Fault(str(facts_file), f"no value for `{name}`, which rule `{rule.id}` reads")
        for name, rule in policies.names_in(table).items()
        if name not in given and kinds.get(name) not in MAY_BE_ABSENT
    ]
    if faults:
        raise FactsInvalid(f"{facts_file} lacks {len(faults)} value{'s' if len(faults) > 1 else ''}", faults=faults)


def _declared(automation: Path, policy_file: Path) -> list[Automation]:
    """Return the automations of a Python file that this policy belongs to: those that name it, or its only one."""
    declared = decisions.load_file(automation)
    naming = [
        each
        for each in declared
        if each.policy.path and (automation.parent / each.policy.path).resolve() == policy_file.resolve()
    ]
    if not naming and len(declared) > 1:
        names = ", ".join(each.name for each in declared)
        raise PolicyInvalid(f"{automation} declares {names}, and none of them names {policy_file} as its policy")
    return naming or declared


def _facts(file: Path) -> Facts:
    """Return the facts of a JSON file. Raises FactsInvalid."""
    try:
        written = json.loads(_read(file))
    except json.JSONDecodeError as error:
        raise FactsInvalid(f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise FactsInvalid(f"{file}: nested too deeply") from error
    if not isinstance(written, dict):
        raise FactsInvalid(
            f'{file}: expected {{"input": {{...}}, "features": {{...}}, "prediction": ..., "risk": ...}}'
        )
    unknown = [
        Fault(str(file), f"unknown key `{name}`; known keys: {', '.join(ROOTS)}") for name in written.keys() - ROOTS
    ]
    shapes = [
        Fault(str(file), f"`{name}`: expected a mapping from names to values")
        for name in ROOTS
        if not isinstance(written.get(name, {}), dict)
    ]
    if unknown or shapes:
        raise FactsInvalid(f"{file} does not hold the facts of a policy", faults=[*unknown, *shapes])
    input_, features, prediction, risk = (written.get(name, {}) for name in ROOTS)
    return input_, features, prediction, risk


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FileMissing(f"There is no file {file}") from error
    except OSError as error:
        raise FileMissing(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyInvalid(f"{file} is not UTF-8") from error


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))
