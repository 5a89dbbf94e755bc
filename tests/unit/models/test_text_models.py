"""Models of texts: fitted, packed, served alike, and refused where they cannot be."""

import random
import sys
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from andon import runtimes
from andon.models import (
    Encoder,
    FeatureKind,
    FeatureSpec,
    PackageInvalid,
    SentenceEmbedding,
    encode,
    fit_text,
    frame_of_rows,
    open_package,
    pack,
)
from andon.models.text_models import trial_rows
from texts import FEATURES, TEAMS, a_sentence_embedding, mails, rows_of


def packed(folder: Path, model: Any, features: tuple[FeatureSpec, ...] = FEATURES, **columns: list[Any]) -> Path:
    """Pack a model of mails, perhaps with further columns beside the texts."""
    training, held_out = mails(300), mails(150, seed=2)
    return pack(
        folder / "package",
        name="mail",
        model=model,
        features=features,
        classes=TEAMS,
        training=({**training[0], **{name: values[:300] for name, values in columns.items()}}, training[1]),
        held_out=({**held_out[0], **{name: values[:150] for name, values in columns.items()}}, held_out[1]),
        split="by chance",
    )


def opened(package: Path) -> runtimes.Predictor:
    """Open the model of a package as a gateway does."""
    manifest = open_package(package).manifest
    signature = manifest.model_dump(mode="json")["signature"]
    return runtimes.open_model(manifest.runtime, package / manifest.model_file, trusted=False, signature=signature)


def test_a_model_of_texts_answers_alike_after_packing_and_knows_the_teams(tmp_path: Path) -> None:
    columns, teams = mails(300)
    model = fit_text(FEATURES, columns, teams, TEAMS)
    package = packed(tmp_path, model)
    others, true = mails(60, seed=3)
    matrix = encode(FEATURES, others)
    answers = opened(package).predict(matrix)
    np.testing.assert_array_equal(answers, model.predict_proba(frame_of_rows(FEATURES, matrix)))
    assert np.mean([TEAMS[at] == team for at, team in zip(answers.argmax(axis=1), true, strict=True)]) > 0.9


def test_rows_and_columns_are_encoded_alike_and_a_missing_text_stays_none() -> None:
    columns, _ = mails(5)
    columns["body"][2] = None  # type: ignore[call-overload]
    features = (*FEATURES, FeatureSpec("pages", FeatureKind.NUMBER))
    rows = [{**row, "pages": None if at == 1 else at} for at, row in enumerate(rows_of(columns))]
    by_rows = Encoder(features).encode(rows)
    by_columns = encode(features, {**columns, "pages": [0, np.nan, 2, 3, 4]})
    assert by_rows.dtype == object
    assert by_rows[2, 1] is None
    np.testing.assert_array_equal(by_rows[:, :2], by_columns[:, :2])
    np.testing.assert_array_equal(by_rows[:, 2].astype(float), by_columns[:, 2].astype(float))


def test_the_package_holds_no_text_of_a_customer(tmp_path: Path) -> None:
    columns, teams = mails(300)
    columns["body"] = [f"{body} customer{at} Ottilie{at}" for at, body in enumerate(columns["body"])]
    package = packed(tmp_path, fit_text(FEATURES, columns, teams, TEAMS, light=True))
    manifest = open_package(package).manifest
    words = {word for row in manifest.probes.rows for text in row if isinstance(text, str) for word in text.split()}
    assert words
    assert all("ottilie" not in word and "customer" not in word for word in words)
    assert manifest.probes.rows[-1] == (None, None)
    assert not any(body in (package / "manifest.json").read_text() for body in columns["body"])


def test_the_profile_of_a_text_is_its_length(tmp_path: Path) -> None:
    columns, teams = mails(300)
    package = packed(tmp_path, fit_text(FEATURES, columns, teams, TEAMS, light=True))
    profile = open_package(package).manifest.profile.numeric["body"]
    assert profile.minimum == min(map(len, columns["body"]))
    assert profile.maximum == max(map(len, columns["body"]))


def test_other_columns_count_beside_the_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    channel = rng.choice(["web", "branch", None], 300).tolist()  # type: ignore[arg-type]
    urgent, pages = rng.choice([True, False], 300).tolist(), rng.normal(size=300).tolist()
    features = (
        *FEATURES,
        FeatureSpec("channel", FeatureKind.CATEGORY, ("branch", "web")),
        FeatureSpec("urgent", FeatureKind.BOOLEAN),
        FeatureSpec("pages", FeatureKind.NUMBER),
    )
    more = {"channel": channel, "urgent": urgent, "pages": pages}
    columns, _ = mails(300)
    labels = [TEAMS[0] if one == "web" else TEAMS[2] if one == "branch" else TEAMS[1] for one in channel]
    model = fit_text(features, {**columns, **more}, labels, TEAMS)
    asked = model.predict(frame_of_rows(features, encode(features, {**columns, **more})))
    assert np.mean([TEAMS[at] == label for at, label in zip(asked, labels, strict=True)]) > 0.95
    packed(tmp_path, model, features, **more)


def telling(column: str) -> tuple[dict[str, list[str]], list[str]]:
    """Return mails of which only one column tells the team: a subject of 2 words, or a body of 40."""
    rng = random.Random(3)
    teams = [rng.choice(TEAMS) for _ in range(600)]

    def words(team: str, count: int, own: int) -> str:
        return " ".join(
            [
                *(f"{team}{rng.randrange(12)}" for _ in range(own)),
                *(f"usual{rng.randrange(300)}" for _ in range(count - own)),
            ]
        )

    shown = {name: teams if name == column else [rng.choice(TEAMS) for _ in teams] for name in ("subject", "body")}
    return {
        "subject": [words(team, 2, 1) for team in shown["subject"]],
        "body": [words(team, 40, 2) for team in shown["body"]],
    }, teams


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize(("column", "weight"), [("subject", 1.0), ("body", (2 / 40) ** 0.5)])
def test_a_short_column_weighs_as_much_as_a_long_one_only_if_that_is_better(
    column: str, weight: float, light: bool
) -> None:
    weights = fit_text(FEATURES, *telling(column), TEAMS, light=light).steps[0][1].transformer_weights
    assert weights["words body"] == weights["parts body"] == 1
    assert weights["words subject"] == weights["parts subject"] == pytest.approx(weight, rel=0.05)


def test_settings_are_tried_on_the_last_rows_whose_class_was_learnt() -> None:
    labels = np.array([0, 1, 2] * 100 + [0, 1, 2, 3] * 25)
    learnt, asked = trial_rows(labels)
    np.testing.assert_array_equal(learnt, np.arange(300))
    np.testing.assert_array_equal(asked, [at for at in range(300, 400) if labels[at] != 3])


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_rows_sorted_by_class_are_mixed_before_settings_are_tried(classes: int) -> None:
    labels = np.repeat(np.arange(classes), 400 // classes)
    learnt, asked = trial_rows(labels)
    assert len(np.unique(labels[asked])) == len(np.unique(labels[learnt])) == classes
    assert set(learnt).isdisjoint(asked)


def test_a_subject_that_only_names_the_thread_weighs_little() -> None:
    columns, teams = telling("body")
    order = sorted(range(600), key=lambda at: (at // 60, teams[at]))
    body, teams = [columns["body"][at] for at in order], [teams[at] for at in order]
    names = {key: "".join(random.Random(f"{key}").choices(ascii_lowercase, k=8)) for key in range(600)}
    threads = [names[at // 60 * 3 + TEAMS.index(team)] for at, team in enumerate(teams)]
    weights = fit_text(FEATURES, {"subject": threads, "body": body}, teams, TEAMS).steps[0][1].transformer_weights
    assert weights["words subject"] < 1


def test_a_time_is_refused_with_what_to_give_instead() -> None:
    columns, teams = mails(30)
    features = (*FEATURES, FeatureSpec("at", FeatureKind.TIME))
    with pytest.raises(PackageInvalid, match="at is a time, which a text model cannot take"):
        fit_text(features, {**columns, "at": [0.0] * 30}, teams, TEAMS)


def test_a_limited_vocabulary_is_one_file_in_the_package(tmp_path: Path) -> None:
    columns, teams = mails(300)
    model = make_pipeline(TfidfVectorizer(max_features=40), LogisticRegression()).fit(columns["body"], teams)
    features = (FEATURES[1],)
    package = packed(tmp_path, model, features)
    assert all(type(at) is int for at in model[0].vocabulary_.values())
    matrix = encode(features, columns)
    np.testing.assert_allclose(opened(package).predict(matrix), model.predict_proba(columns["body"]))


def test_a_transformer_of_columns_by_name_is_given_its_columns(tmp_path: Path) -> None:
    columns, teams = mails(300)
    frame = frame_of_rows(FEATURES, encode(FEATURES, columns))
    seen = ColumnTransformer([("s", TfidfVectorizer(), "subject"), ("b", TfidfVectorizer(), "body")])
    model = make_pipeline(seen, LogisticRegression()).fit(frame, teams)
    package = packed(tmp_path, model)
    np.testing.assert_allclose(opened(package).predict(encode(FEATURES, columns)), model.predict_proba(frame))


def test_a_runtime_of_numbers_refuses_texts(tmp_path: Path) -> None:
    import lightgbm

    data = lightgbm.Dataset(np.random.default_rng(1).normal(size=(60, 2)), np.arange(60) % 3)
    model = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, data, 2)
    with pytest.raises(PackageInvalid, match="lightgbm takes numbers only, and subject, body is text"):
        packed(tmp_path, model)


def test_a_sentence_embedding_is_packed_with_all_it_needs(tmp_path: Path) -> None:
    columns, teams = mails(300)
    place = a_sentence_embedding(tmp_path / "embedding")
    model = fit_text(FEATURES, columns, teams, TEAMS, embedding=SentenceEmbedding(place))
    package = packed(tmp_path, model)
    for file in place.iterdir():
        file.unlink()
    others, true = mails(60, seed=3)
    matrix = encode(FEATURES, others)
    predictor = opened(package)
    answers = predictor.predict(matrix)
    assert np.mean([TEAMS[at] == team for at, team in zip(answers.argmax(axis=1), true, strict=True)]) > 0.8
    np.testing.assert_array_equal(answers[:1], predictor.predict(matrix[:1]))


def test_an_embedding_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageInvalid, match="no-such-package is not a file, folder or installed package with"):
        SentenceEmbedding("no-such-package").files()
    place = a_sentence_embedding(tmp_path)
    (place / "tokenizer.json").unlink()
    with pytest.raises(PackageInvalid, match=r"with a tokenizer\.json file"):
        SentenceEmbedding(place).files()


def test_a_network_that_embeds_no_text_is_refused(tmp_path: Path) -> None:
    from onnx_graphs import a_network

    place = a_sentence_embedding(tmp_path / "embedding")
    network = a_network(tmp_path / "network.onnx", columns=2, classes=2)
    columns, teams = mails(30)
    embedding = SentenceEmbedding(network, tokenizer=place)
    with pytest.raises(PackageInvalid, match="a sentence embedding takes input_ids"):
        fit_text(FEATURES, columns, teams, TEAMS, embedding=embedding)


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = a_sentence_embedding(tmp_path)
    columns, teams = mails(30)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.delitem(sys.modules, "andon.runtimes.embeddings", raising=False)
    with pytest.raises(PackageInvalid, match=r"pip install 'andon\[text\]'"):
        fit_text(FEATURES, columns, teams, TEAMS, embedding=SentenceEmbedding(place))
