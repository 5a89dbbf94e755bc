"""Free text is known by how it reads, and a project is made of it; names, addresses and codes are no free text."""

import ast
from pathlib import Path

import pytest
from tests.unit.scaffold.tables import column, plan_of, write

from andon import scaffold
from andon.models import SentenceEmbedding
from andon.scaffold import ColumnKind
from andon.scaffold.planning import Options, plan
from andon.scaffold.prose import NO_PROSE, reads_like_prose
from andon.scaffold.rendering import render
from texts import TEAMS, a_sentence_embedding, mails

NAMES = ["Braund, Mr. Owen Harris", "Cumings, Mrs. John Bradley", "Heikkinen, Miss. Laina", "Allen, Mr. William Henry"]


@pytest.mark.parametrize(
    ("name", "values", "prose"),
    [
        ("body", ["My card was stolen yesterday, please block it."], True),
        ("betreff", ["Meine Karte ist seit gestern weg, bitte sperren Sie sie"], True),
        ("memo", ["MY CARD WAS STOLEN PLEASE BLOCK IT"], True),
        ("message", ["请帮我冻结我的信用卡，昨天被偷了"], True),
        ("complaint", ["カードが盗まれましたので止めてください"], True),
        ("passenger", NAMES, False),
        ("Name", ["people who are called like this"], False),
        ("where", ["12 Main Street, Springfield", "7 Rue de Rivoli, Paris", "Am Markt 4, Dresden"], False),
        ("code", ["AB 12 CD 34", "EF 56 GH 78"], False),
        ("model", ["Golf VII 1.4 TSI", "Corolla 1.8 Hybrid Touring"], False),
        ("tag", ["red shoes", "blue hat"], False),
        ("empty", [], False),
    ],
)
def test_free_text_is_known_by_how_it_reads(name: str, values: list[str], prose: bool) -> None:
    assert reads_like_prose(name, values) is prose


def test_subject_and_body_are_learnt_from_where_they_are_all_there_is(tmp_path: Path) -> None:
    columns, teams = mails(240)
    found = plan_of(write(tmp_path, {**columns, "team": teams}), target="team")
    assert [one.name for one in found.features] == ["subject", "body"]
    assert found.proposal.trial.error < 0.2
    assert found.proposal.trial.by_class["cards"].rows == 80
    files = render(found, tmp_path / "line")
    assert "body: Annotated[str, Text(max_length=4_096)]" in files["contract.py"]
    assert "from andon import Text\n" in files["contract.py"]
    assert '"body": FeatureKind.TEXT' in files["train.py"]
    assert "lightgbm" not in files["train.py"]
    ast.parse(files["train.py"])
    assert all(f"then: {team}" in files["policies/line.yaml"] for team in TEAMS)


def test_other_columns_stand_beside_the_text_and_identifiers_do_not(tmp_path: Path) -> None:
    columns, teams = mails(240)
    more = {
        "id": [f"M-{at:05}" for at in range(240)],
        "sender": [f"{NAMES[at % 4]} {chr(65 + at % 26)}{at}" for at in range(240)],
        "channel": ["web", "branch"] * 120,
        "size": [str(at * 7 % 31) for at in range(240)],
    }
    found = plan_of(write(tmp_path, {**more, **columns, "team": teams}), target="team")
    assert {one.name for one in found.features} == {"subject", "body", "channel", "size"}
    assert column(found, "sender").reason == NO_PROSE
    kept = plan_of(write(tmp_path, {**more, **columns, "team": teams}), target="team", keep=["sender"])
    assert column(kept, "sender").kind is ColumnKind.TEXT
    assert column(kept, "sender").used


def test_no_text_of_the_file_stands_in_the_project(tmp_path: Path) -> None:
    columns, teams = mails(240)
    found = plan_of(write(tmp_path, {**columns, "team": teams}), target="team")
    written = "\n".join(render(found, tmp_path / "line").values())
    assert not any(body in written for body in columns["body"])


def test_an_embedding_stands_in_the_training_script(tmp_path: Path) -> None:
    columns, teams = mails(120)
    place = a_sentence_embedding(tmp_path / "embedding")
    options = Options(embedding=SentenceEmbedding(str(place)))
    source = write(tmp_path, {**columns, "team": teams})
    found = plan("line", source, target_name="team", time_name=None, positive=None, options=options)
    script = render(found, tmp_path / "line")["train.py"]
    assert f'EMBEDDING = SentenceEmbedding("{place}")' in " ".join(script.split()).replace("( ", "(").replace(
        ", )", ")"
    )
    assert "embedding=EMBEDDING" in script


def test_an_embedding_without_a_text_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"x": [f"{at * 7 % 40}.5" for at in range(40)], "y": ["yes", "no"] * 20})
    options = Options(embedding=SentenceEmbedding("anything"))
    with pytest.raises(scaffold.DataUnusable, match="--embeddings is for free text, and no column contains any"):
        plan("line", source, target_name="y", time_name=None, positive=None, options=options)
