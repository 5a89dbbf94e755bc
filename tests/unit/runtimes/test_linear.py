"""What spoke for a class adds up to the model's own score, column by column and word by word."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas
import pytest
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from andon.models import FeatureKind, FeatureSpec, encode, fit_text, frame_of_rows
from andon.runtimes import Decoder
from andon.runtimes.lightgbm import LightGbmPredictor
from andon.runtimes.linear import linear_parts
from texts import FEATURES, TEAMS, mails

MORE = (*FEATURES, FeatureSpec("channel", FeatureKind.CATEGORY, ("a", "b")), FeatureSpec("size", FeatureKind.NUMBER))


def rows(count: int, seed: int = 1) -> dict[str, Any]:
    """Mails with two columns beside the texts."""
    columns, _ = mails(count, seed)
    rng = np.random.default_rng(seed)
    return {**columns, "channel": rng.choice(["a", "b"], count).tolist(), "size": rng.normal(size=count).tolist()}


def against_others(model: Any, given: Any, chosen: int) -> float:
    scores = model.decision_function(given)[0] - model[-1].intercept_
    return float(scores[chosen] - np.delete(scores, chosen).mean())


@pytest.mark.parametrize("team", TEAMS)
def test_the_parts_add_up_and_the_words_of_a_team_lead(team: str) -> None:
    columns = rows(300)
    model = fit_text(MORE, columns, mails(300)[1], TEAMS)
    asked, teams = rows(30, seed=5), mails(30, 5)[1]
    at, chosen = teams.index(team), TEAMS.index(team)
    matrix = encode(MORE, {name: values[at : at + 1] for name, values in asked.items()})
    frame, explain = frame_of_rows(MORE, matrix), linear_parts(model)
    assert explain is not None
    (parts,) = explain(frame, Decoder({"features": [asdict(one) for one in MORE]})(matrix), [chosen])
    assert sum(part.weight for part in parts) == pytest.approx(against_others(model, frame, chosen), rel=1e-4)
    assert [abs(part.weight) for part in parts] == sorted((abs(part.weight) for part in parts), reverse=True)
    first = parts[0]
    assert first.feature in ("subject", "body")
    assert first.word in f"{asked['subject'][at]} {asked['body'][at]}".lower().split()
    assert {part.word for part in parts if part.feature in ("channel", "size")} == {None}


def test_a_pipeline_on_one_text_is_explained_by_words() -> None:
    columns, teams = mails(300)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(columns["body"], teams)
    explain = linear_parts(model, "body")
    assert explain is not None
    text = np.array(["my card was stolen"], dtype=object)
    (parts,) = explain(text, {"body": text}, [1])
    assert {part.word for part in parts[:2]} == {"card", "stolen"}


def test_of_two_classes_the_words_of_one_speak_against_the_other() -> None:
    columns, teams = mails(300)
    labels = [team == "cards" for team in teams]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(columns["body"], labels)
    explain = linear_parts(model, "body")
    assert explain is not None
    text = np.array(["card"], dtype=object)
    (for_it,), (against_it,) = (explain(text, {"body": text}, [chosen])[0] for chosen in (1, 0))
    assert for_it.weight == -against_it.weight > 0


def test_where_words_are_not_known_the_text_as_a_whole_counts() -> None:
    columns, teams = mails(300)
    model = make_pipeline(HashingVectorizer(n_features=256), LogisticRegression()).fit(columns["body"], teams)
    explain = linear_parts(model, "body")
    assert explain is not None
    text = np.array(["my card was stolen"], dtype=object)
    (parts,) = explain(text, {"body": text}, [1])
    assert [(part.feature, part.word) for part in parts] == [("body", None)]


def test_what_is_not_linear_is_not_explained() -> None:
    columns, teams = mails(60)
    tree = make_pipeline(TfidfVectorizer(), DecisionTreeClassifier()).fit(columns["body"], teams)
    assert linear_parts(tree, "body") is None


def test_numbers_alone_are_explained_by_their_columns() -> None:
    frame = pandas.DataFrame({"x": [0.0, 1.0] * 10, "z": [0.5, 0.4] * 10})
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, [0, 1] * 10)
    explain = linear_parts(model)
    assert explain is not None
    (parts,) = explain(frame[:1], {}, [1])
    assert {part.feature for part in parts} == {"x", "z"}
    assert sum(part.weight for part in parts) == pytest.approx(
        float(model.decision_function(frame[:1])[0] - model[-1].intercept_[0])
    )


def test_lightgbm_says_it_by_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(400, 4))
    labels = (matrix[:, 1] > 0).astype(int)
    lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(matrix, labels), 10).save_model(
        tmp_path / "model.txt"
    )
    predictor = LightGbmPredictor(lightgbm.Booster(model_file=tmp_path / "model.txt"), ["a", "b", "c", "c"])
    (parts,) = predictor.parts(np.array([[0.0, 2.0, 0.0, 0.0]]), [1])
    assert parts[0].feature == "b"
    assert parts[0].weight > 0
    assert [part.feature for part in parts].count("c") == 1
