"""Inference of a saved model's inputs and outputs, from the model itself and from a sample of rows with labels.

Names, known categories and classes come from the model if it has them, otherwise from the sample. Kinds come from the
values.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from andon.kernel.errors import AndonError
from andon.models.encoding import text_of
from andon.models.errors import PackageInvalid, PickleRefused
from andon.models.package import PICKLES
from andon.models.savers import is_mlflow, sklearn_file
from andon.models.signature import FeatureKind, FeatureSpec
from andon.models.vocabularies import first_of, parts_of, reads_text
from andon.runtimes import ModelUnreadable, check_structure, foreign_types

FEWEST_ROWS = 20
"""The fewest rows of a useful sample."""

_MOST_CATEGORIES = 1_000
_SAID = 500
_RUNTIMES = {".txt": "lightgbm", ".ubj": "xgboost", ".json": "xgboost", ".onnx": "onnx", ".skops": "sklearn"}
_WORDS = (FeatureKind.TEXT, FeatureKind.CATEGORY)
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class InferredSignature:
    """The arguments of `pack` that were inferred.

    `model` is the fitted object, or the path of a file that is packed as it is. Of two classes, the second is the
    positive one: that of earlier versions, otherwise the rarer one in the sample, wherever the model has it.
    `own_order` is the model's order.
    """

    model: Any
    features: tuple[FeatureSpec, ...]
    classes: tuple[str, ...]
    own_order: tuple[str, ...]
    target: str
    rows: list[dict[str, Any]]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """The classes and columns that a model names; empty where it names none."""

    model: Any
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] | None = None
    text_columns: tuple[tuple[str, ...], ...] = ()
    texts: frozenset[str] = frozenset()
    one_text: bool = False
    """Whether the model takes a single column of texts, whose name it does not know."""


def infer(
    path: Path,
    sample: Sequence[Mapping[str, Any]],
    target: str | None,
    *,
    trust: bool,
    in_order: Sequence[str] = (),
    groups: str | None = None,
) -> InferredSignature:
    """Infer features, kinds, categories and classes of a saved model; `in_order` are the classes of earlier ones.

    The rows keep the column `groups`, which is a feature only if the model names it.

    Raises PackageInvalid, and PickleRefused for an untrusted file whose loading runs code.
    """
    if len(sample) < FEWEST_ROWS:
        raise PackageInvalid(
            f"The sample has {len(sample)} rows; at least {FEWEST_ROWS} are needed, and hundreds are better"
        )
    known = _opened(path, trust=trust)
    columns = list(sample[0])
    aim = _target([name for name in columns if name != groups], known.names, target)
    names = known.names or tuple(name for name in columns if name not in (aim, groups))
    if known.one_text:
        names = (_only_text(names, sample),)
        known = replace(known, texts=frozenset(names))
    if absent := [name for name in names if name not in columns]:
        raise PackageInvalid(f"The model takes {', '.join(map(repr, absent))}, which the sample does not have")
    labelled = [row for row in sample if row[aim] is not None]
    labels = [str(text_of(_plain(row[aim]))) for row in labelled]
    features = tuple(_features(names, labelled, known))
    beside = () if groups is None else (groups,)
    rows = [{**{n: row[n] for n in beside}, **{f.name: _value(f, row[f.name]) for f in features}} for row in labelled]
    order = known.classes or _sorted(labels)
    if strange := sorted(set(labels) - set(order)):
        raise PackageInvalid(f"{aim!r} holds {', '.join(strange)}, and the model knows {', '.join(order)}")
    classes = order
    if len(order) == 2 and set(in_order) == set(order):
        classes = tuple(in_order)
    elif len(order) == 2 and labels.count(order[0]) < labels.count(order[1]):
        classes = (order[1], order[0])
    return InferredSignature(known.model, features, classes, order, aim, rows, labels)


def name_of(path: Path) -> str:
    """Return a name for a file's model: the file's own name in lower case."""
    name = _NAME.sub("-", path.stem.lower()).strip("-")
    return name if name[:1].isalpha() else f"model-{name}".strip("-")


def _opened(path: Path, *, trust: bool) -> _Known:
    """Check a file's structure, then let its library open it. Raises PackageInvalid, PickleRefused."""
    try:
        if path.suffix in _RUNTIMES:
            check_structure(_RUNTIMES[path.suffix], path)
        return _known(path, trust=trust)
    except AndonError:
        raise
    except ModelUnreadable as error:
        raise PackageInvalid(str(error)) from error
    except Exception as error:  # the edge to a library, which raises whatever it likes at a damaged file
        raise PackageInvalid(f"{path.name} cannot be opened: {type(error).__name__}: {error}"[:_SAID]) from error


def _known(path: Path, *, trust: bool) -> _Known:
    if is_mlflow(path):
        file = sklearn_file(path)
        found = _opened(file, trust=trust) if file is not None else _Known(path, names=_mlflow_names(path))
        return replace(found, model=path, names=found.names or _mlflow_names(path))
    match path.suffix:
        case ".skops":
            return _of_sklearn(_skops(path, trust=trust))
        case suffix if suffix in PICKLES:
            if not trust:
                raise PickleRefused(
                    f"{path.name} is a pickle: inspecting it runs its code. Register it with --trust if you "
                    "know who made it"
                )
            import joblib

            return _of_sklearn(joblib.load(path))
        case ".txt":
            return _of_lightgbm(path)
        case ".ubj" | ".json":
            return _of_xgboost(path)
        case ".onnx":
            return _Known(path)
    raise PackageInvalid(
        f"{path} is not a model that --sample can inspect: give a .skops, .joblib, .pkl, .txt (LightGBM), .ubj or "
        ".json (XGBoost) "
        "or .onnx file, or the folder of a saved MLflow model"
    )


def _skops(path: Path, *, trust: bool) -> Any:
    import skops.io

    foreign = foreign_types(path)
    if foreign and not trust:
        raise PickleRefused(
            f"{path.name} contains types that are not known to be harmless: {', '.join(foreign)}. Inspecting "
            "it runs their "
            "code; register it with --trust if you know them"
        )
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def _of_sklearn(model: Any) -> _Known:
    """Read a scikit-learn model, or a wrapper for scikit-learn of LightGBM or XGBoost from a pickle."""
    if not hasattr(model, "predict_proba"):
        raise PackageInvalid(f"{type(model).__name__} has no predict_proba, so it gives no probabilities")
    classes = tuple(str(text_of(value)) for value in getattr(model, "classes_", ()))
    names = tuple(str(name) for name in getattr(model, "feature_names_in_", ()))
    texts = frozenset(_texts(model, names))
    return _Known(model, names, classes, dict(_categories(model)), (), texts, reads_text(first_of(model)))


def _texts(model: Any, names: Sequence[str]) -> Iterator[str]:
    """Yield the columns that the transformers of a model read as text."""
    for part in parts_of(model):
        for _, transformer, column in getattr(part, "transformers_", ()):
            if isinstance(column, str | int) and any(map(reads_text, parts_of(transformer))):
                yield names[column] if isinstance(column, int) else column


def _only_text(names: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> str:
    """Return the one column of texts among these. Raises PackageInvalid if there is none or more than one."""
    values = {name: [row[name] for row in sample if row[name] is not None] for name in names}
    texts = [name for name in names if _kind(values[name]) in _WORDS]
    prose = [name for name in texts if _is_prose(values[name])]
    texts = prose if len(prose) == 1 else texts
    if len(texts) != 1:
        which = f"has several: {', '.join(texts)}; keep only the one that the model takes" if texts else "has none"
        raise PackageInvalid(f"The model takes one column of text, and the sample {which}")
    return texts[0]


def _categories(model: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the text categories that encoders within a pipeline know, by column."""
    for _, step in getattr(model, "steps", ()):
        yield from _categories(step)
    for _, transformer, columns in getattr(model, "transformers_", ()):
        last = transformer.steps if hasattr(transformer, "steps") else [("", transformer)]
        for _, step in last:
            known = getattr(step, "categories_", None)
            if known is None or isinstance(columns, str) or len(known) != len(columns):
                continue
            for column, values in zip(columns, known, strict=True):
                texts = tuple(value for value in values if isinstance(value, str))
                if texts:
                    yield str(column), texts


def _of_lightgbm(path: Path) -> _Known:
    import lightgbm

    booster = lightgbm.Booster(model_file=path)
    levels = tuple(tuple(str(text_of(one)) for one in some) for some in booster.pandas_categorical or ())
    return _Known(booster, tuple(booster.feature_name()), text_columns=levels)


def _of_xgboost(path: Path) -> _Known:
    try:
        import xgboost
    except ModuleNotFoundError as error:
        raise PackageInvalid("An XGBoost model needs xgboost: `pip install 'andon[xgboost]'`") from error
    booster = xgboost.Booster()
    booster.load_model(path)
    return _Known(booster, tuple(booster.feature_names or ()))


def _mlflow_names(path: Path) -> tuple[str, ...]:
    import yaml

    document = yaml.safe_load((path / "MLmodel").read_text(encoding="utf-8"))
    given = json.loads((document.get("signature") or {}).get("inputs") or "[]")
    return tuple(column["name"] for column in given if "name" in column)


def _target(columns: Sequence[str], names: Sequence[str], target: str | None) -> str:
    if target is not None:
        if target not in columns:
            raise PackageInvalid(f"The sample has no column {target!r} for the target; it has {', '.join(columns)}")
        return target
    others = [name for name in columns if names and name not in names]
    if len(others) == 1:
        return others[0]
    which = f"one of {', '.join(others)}" if others else f"one of {', '.join(columns)}"
    raise PackageInvalid(f"Use --target to name the column with the true class: {which}")


def _features(names: Sequence[str], rows: Sequence[Mapping[str, Any]], known: _Known) -> Iterator[FeatureSpec]:
    levels = list(known.text_columns)
    for name in names:
        values = [row[name] for row in rows if row[name] is not None]
        of_model = (known.categories or {}).get(name, ())
        kind = FeatureKind.TEXT if name in known.texts else FeatureKind.CATEGORY if of_model else _kind(values)
        if kind is not FeatureKind.CATEGORY:
            yield FeatureSpec(name, kind)
            continue
        if not of_model and levels:
            of_model = levels.pop(0)
        seen = tuple(value for value, _ in Counter(str(text_of(one)) for one in values).most_common(_MOST_CATEGORIES))
        if not of_model and not seen:
            raise PackageInvalid(f"The column {name!r} of the sample has no value, so its kind is unknown")
        yield FeatureSpec(name, kind, of_model or tuple(sorted(seen)))


def _kind(values: Sequence[Any]) -> FeatureKind:
    """Return the kind of values from a file; without values it is a number that may be missing."""
    if all(isinstance(value, bool) or str(value).lower() in ("true", "false") for value in values) and values:
        return FeatureKind.BOOLEAN
    if all(_is_number(value) for value in values):
        return FeatureKind.NUMBER
    return FeatureKind.TIME if all(_is_time(value) for value in values) else FeatureKind.CATEGORY


def _is_prose(values: Sequence[Any]) -> bool:
    """Return whether values look like free text: most have several words, and few occur twice."""
    texts = [str(value) for value in values]
    return 2 * sum(len(text.split()) > 1 for text in texts) > len(texts) < 2 * len(set(texts))


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_time(value: Any) -> bool:
    if isinstance(value, datetime):
        return True
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _value(feature: FeatureSpec, value: Any) -> Any:
    return float(value) if value is not None and feature.kind is FeatureKind.NUMBER else value


def _plain(value: Any) -> Any:
    """Return a class of a text file as the model has it: `1` for 1.0."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+\.0+", value) else value


def _sorted(labels: Sequence[str]) -> tuple[str, ...]:
    """Return classes in the order in which libraries number them: numbers by size, others by text."""
    return tuple(
        sorted(set(labels), key=lambda text: (not _is_number(text), float(text) if _is_number(text) else 0.0, text))
    )
