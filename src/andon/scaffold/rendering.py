"""Rendering: the files of a project from a plan."""

import json
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from andon.scaffold import cases, contract, naming
from andon.scaffold.domain import Column, ColumnKind, Plan

_FILES = {
    "andon.toml": "andon.toml.jinja",
    "automation.py": "automation.py.jinja",
    "contract.py": "contract.py.jinja",
    "train.py": "train.py.jinja",
    "policies/{module}.yaml": "policy.yaml.jinja",
    "tests/test_automation.py": "test_automation.py.jinja",
    "pyproject.toml": "pyproject.toml.jinja",
    ".gitignore": "gitignore.jinja",
    "config/andon-config.yaml": "config.yaml.jinja",
    "README.md": "README.md.jinja",
}
_PIPELINES = {".github/workflows/andon.yml": "github.yml.jinja", ".gitlab-ci.yml": "gitlab-ci.yml.jinja"}
_FEATURE_KINDS = {
    ColumnKind.NUMBER: "NUMBER",
    ColumnKind.INTEGER: "NUMBER",
    ColumnKind.BOOLEAN: "BOOLEAN",
    ColumnKind.CATEGORY: "CATEGORY",
    ColumnKind.TIME: "TIME",
}
_WORTH_THREADS = 100_000
"""With fewer rows several threads wait for each other longer than they compute."""
_FEWEST_PER_LEAF, _MOST_PER_LEAF = 2, 20


def render(plan: Plan, folder: Path) -> dict[str, str]:
    """The text of each file by its path in the project that will stand in `folder`."""
    environment = _environment()
    values = _values(plan, folder)
    files = {
        path.format(module=values["module"]): environment.get_template(template).render(values)
        for path, template in _FILES.items()
    }
    return {**files, **pipelines(values["module"]), f"cases/{plan.name}/outcomes.yaml": cases.of(plan, values)}


def pipelines(module: str) -> dict[str, str]:
    """The workflow files of GitHub and GitLab, by path; `module` names the file of the policy."""
    environment = _environment()
    return {path: environment.get_template(template).render(module=module) for path, template in _PIPELINES.items()}


def gitignore() -> str:
    """What a project does not commit."""
    return _environment().get_template(_FILES[".gitignore"]).render()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("andon.scaffold", "templates/project"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (Python, TOML and Markdown, no HTML)
        keep_trailing_newline=True,
    )
    environment.filters |= {"literal": _literal, "quotable": contract.one_line}
    return environment


def _values(plan: Plan, folder: Path) -> dict[str, Any]:
    fields, helpers = contract.field_lines(plan.columns), contract.helpers(plan.columns)
    example = [(column.name, _typical(column)) for column in plan.columns if column.kind.learnable]
    required = [column.name for column in plan.columns if column.kind.learnable and not column.missing]
    data = os.path.relpath(plan.source.resolve(), folder.resolve())
    return {
        "plan": plan,
        "module": plan.name.replace("-", "_"),
        "contract": naming.class_name(plan.name),
        "fields": fields,
        "helpers": helpers,
        "imports": contract.imports(fields, helpers),
        "kinds": _FEATURE_KINDS,
        "outcomes": _outcomes(plan),
        "question": _question(plan),
        "proposal": plan.proposal,
        "most_frequent": plan.target.classes[plan.target.counts.index(max(plan.target.counts))],
        "data": data,
        "shell_data": shlex.quote(data),
        "held_out": plan.held_out,
        "cuts": None
        if plan.cuts is None
        else f"({', '.join(map(repr, plan.cuts.at))}{',' if len(plan.cuts.at) == 1 else ''})",
        "split": f"by {plan.time.name}: the newest quarter is held out"
        if plan.time
        else f"at random, each class alike: {plan.held_out:.0%} are held out",
        "leaf": max(_FEWEST_PER_LEAF, min(_MOST_PER_LEAF, plan.rows // 50)),
        "threads": ", n_jobs=1" if plan.rows < _WORTH_THREADS else "",
        "example": example,
        "required": required,
    }


def _question(plan: Plan) -> str:
    target = plan.target
    what = f"whether {target.name} is {target.classes[1]}" if target.binary else f"which {target.name} it is"
    return contract.one_line(what)


def _outcomes(plan: Plan) -> list[dict[str, str]]:
    if plan.target.binary:
        return [
            {
                "name": "flag",
                "class": plan.target.classes[1],
                "rule": "flagged",
                "reason": "HIGH_SCORE",
                "when": "risk.certain && prediction.score >= 0.5",
            },
            {
                "name": "clear",
                "class": plan.target.classes[0],
                "rule": "cleared",
                "reason": "LOW_SCORE",
                "when": "risk.certain && prediction.score < 0.5",
            },
        ]
    names = naming.outcome_names(plan.target.classes)
    return [
        {
            "name": name,
            "class": label,
            "rule": f"is_{name}",
            "reason": f"LIKELY_{name.upper()}",
            "when": _yaml(f"risk.certain && prediction.label == {json.dumps(label)}"),
        }
        for name, label in zip(names, plan.target.classes, strict=True)
    ]


def _typical(column: Column) -> str | float | int | bool:
    if column.kind is ColumnKind.CATEGORY:
        return column.categories[0]
    if column.kind is ColumnKind.BOOLEAN or column.median is None:
        return False
    if column.kind is ColumnKind.TIME:
        return datetime.fromtimestamp(round(column.median), UTC).isoformat()
    return int(column.median) if column.kind is ColumnKind.INTEGER else column.median


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
