"""Rendering: the files of a project from a plan."""

import json
import os
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from andon.datafile import Query
from andon.scaffold import cases, contract, naming, windows
from andon.scaffold.domain import Column, ColumnKind, Plan, TimeFeature, TimePart
from andon.scaffold.planning import HELD_OUT

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
_COMPUTED = {"features.py": "features.py.jinja"}
"""Files of a project whose model sees parts of times or windows."""
_PIPELINES = {".github/workflows/andon.yml": "github.yml.jinja", ".gitlab-ci.yml": "gitlab-ci.yml.jinja"}
_FEATURE_KINDS = {
    ColumnKind.NUMBER: "NUMBER",
    ColumnKind.INTEGER: "NUMBER",
    ColumnKind.BOOLEAN: "BOOLEAN",
    ColumnKind.CATEGORY: "CATEGORY",
    ColumnKind.TIME: "TIME",
    ColumnKind.INDEX: "NUMBER",
    ColumnKind.IDENTIFIER: "CATEGORY",
    ColumnKind.TEXT: "TEXT",
}
_WORTH_THREADS = 100_000
"""With fewer rows several threads wait for each other longer than they compute."""
_SOME_TEXT = "A few words, as somebody may write them."
"""The text of an example: those of the file may tell of people."""
_FEWEST_PER_LEAF, _MOST_PER_LEAF = 2, 20


def render(plan: Plan, folder: Path) -> dict[str, str]:
    """Return the text of each file, by its path in the project that will stand in `folder`."""
    environment = _environment()
    values = _values(plan, folder)
    files = {
        path.format(module=values["module"]): environment.get_template(template).render(values)
        for path, template in (_FILES | (_COMPUTED if values["computed"] else {})).items()
    }
    return {**files, **pipelines(values["module"]), f"cases/{plan.name}/outcomes.yaml": cases.of(plan, values)}


def pipelines(module: str) -> dict[str, str]:
    """Return the workflow files of GitHub and GitLab, by path; `module` names the file of the policy."""
    environment = _environment()
    return {path: environment.get_template(template).render(module=module) for path, template in _PIPELINES.items()}


def gitignore() -> str:
    """Return the `.gitignore` of a project: what it does not commit."""
    return _environment().get_template(_FILES[".gitignore"]).render()


@cache
def _environment() -> jinja2.Environment:
    """Return the templates; each is compiled once."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("andon.scaffold", "templates/project"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (Python, TOML and Markdown, no HTML)
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "literal": _literal,
        "quotable": contract.one_line,
        "pair": _pair,
        "lambda": _lambda,
        "wrapped": _wrapped,
    }
    return environment


def _values(plan: Plan, folder: Path) -> dict[str, Any]:
    fields, helpers = contract.field_lines(plan.columns), contract.helpers(plan.columns)
    expected = contract.expectations(plan.columns, plan.written_windows)
    keys = {window.by for window in plan.written_windows} | ({plan.groups.field} if plan.groups else set())
    sent = [column for column in plan.columns if column.learnable and (column.reason is None or column is plan.time)]
    example = [(column.name, _typical(column)) for column in sent]
    example += [(c.name, "1") for c in plan.columns if c.field in keys and c not in sent]
    required = [column.name for column in plan.columns if column.required]
    data = _data(plan, folder)
    reading = [f"{name}={_literal(value)}" for name, value in (("sheet", plan.sheet), ("header", plan.header)) if value]
    return {
        "plan": plan,
        "module": plan.name.replace("-", "_"),
        "contract": naming.class_name(plan.name),
        "fields": fields,
        "helpers": helpers,
        "imports": contract.imports(fields, helpers, expected),
        "expected": expected,
        "parts": {part.value: any(one.part is part for one in plan.times) for part in TimePart},
        "clock": any(part.now for part in plan.times),
        "timed": plan.time is not None and plan.time.kind is ColumnKind.TIME,
        "computed": bool(plan.times or plan.windows),
        "windows": [(windows.named(trial), windows.about(trial), trial.written) for trial in plan.windows],
        "kinds": _FEATURE_KINDS,
        "outcomes": _outcomes(plan),
        "question": _question(plan),
        "proposal": plan.proposal,
        "most_frequent": plan.target.classes[plan.target.counts.index(max(plan.target.counts))],
        "data": data,
        "decide": _decide(plan, data),
        "reading": "".join(f", {part}" for part in reading),
        "held_out": plan.held_out,
        "embedding": _embedding(plan),
        "split": _split(plan),
        "cuts": None
        if plan.cuts is None
        else f"({', '.join(map(repr, plan.cuts.at))}{',' if len(plan.cuts.at) == 1 else ''})",
        "leaf": max(_FEWEST_PER_LEAF, min(_MOST_PER_LEAF, plan.rows // 50)),
        "threads": ", n_jobs=1" if plan.rows < _WORTH_THREADS else "",
        "example": example,
        "required": required,
    }


def _embedding(plan: Plan) -> list[str]:
    """Return the arguments of the sentence embedding as Python."""
    embedding = plan.embedding
    if embedding is None:
        return []
    beside = [] if embedding.tokenizer is None else [f"tokenizer={_literal(str(embedding.tokenizer))}"]
    return [_literal(str(embedding.place)), *beside]


def _data(plan: Plan, folder: Path) -> str | Query:
    return plan.source if isinstance(plan.source, Query) else os.path.relpath(plan.source.resolve(), folder.resolve())


def _decide(plan: Plan, data: str | Query) -> str:
    """Return the words of `andon decide` for the same rows."""
    if isinstance(data, Query):
        return f"--query {shlex.quote(data.sql)} --url-env {data.url_env} --output decisions.parquet"
    sheet = f" --sheet {shlex.quote(plan.sheet)}" if plan.sheet else ""
    return shlex.quote(data) + sheet + (f" --header {plan.header}" if plan.header else "")


def _share(plan: Plan, article: str = "") -> str:
    return f"{article}quarter" if plan.held_out == HELD_OUT else f"{100 * plan.held_out:.3g}%"


def _split(plan: Plan) -> str:
    if plan.time:
        return f"by {plan.time.name}: the newest {_share(plan)} is held out"
    how = f"by {plan.groups.name}" if plan.groups else "each class alike"
    return f"at random, {how}: {'about ' if plan.groups else ''}{_share(plan, 'a ')} is held out"


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
    if column.kind is ColumnKind.TEXT:
        return _SOME_TEXT
    if column.kind is ColumnKind.BOOLEAN or column.median is None:
        return False
    if column.kind is ColumnKind.TIME:
        return datetime.fromtimestamp(round(column.median), UTC).isoformat()
    return int(column.median) if column.kind is ColumnKind.INTEGER else column.median


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _pair(words: Sequence[str]) -> str:
    return f"({', '.join(map(json.dumps, words))})"


def _wrapped(items: Iterable[str], before: str, brackets: str) -> str:
    """Return items in brackets: on the line that begins with `before`, or one a line where they do not fit there."""
    parts = list(items)
    opening, closing = brackets[0], brackets[1]
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(before) + len(line) <= contract.WIDTH:
        return line
    indent = before[: len(before) - len(before.lstrip())]
    return "\n".join([opening, *(f"{indent}    {part}," for part in parts), f"{indent}{closing}"])


def _lambda(feature: TimeFeature) -> str:
    """Return a lambda for a part of a time. It stands in the list, so the automation's version includes its source."""
    ending = " or moment" if feature.now else ""
    given = "row, moment" if feature.now else "row"
    at = f"row[{json.dumps(feature.field)}]"
    if feature.part is TimePart.AGE:
        return f"lambda {given}: days({at}, row[{json.dumps(feature.since)}]{ending})"
    return f"lambda {given}: {feature.part}({at}{ending})"


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
