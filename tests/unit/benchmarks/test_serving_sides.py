"""The peers and the line of `script/bench serving` fit together: one model, one set of rows, each in its own words."""

import ast
import importlib.util
import json
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.goals import Goal
from benchmarks.peers import FASTAPI, KSERVE, PEERS, Peer
from benchmarks.peers.running import Started
from benchmarks.serving import RARELY, SENT, Sides, missed_of, transfer

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
ROW = {f"v{n}": n + 0.5 for n in range(20)}


@pytest.fixture(scope="module")
def line() -> ModuleType:
    spec = importlib.util.spec_from_file_location("serving_line", BENCHMARKS / "serving-project" / "automation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named_in_training(name: str) -> tuple[str, ...]:
    """Return a constant of the training script, which runs in another environment."""
    tree = ast.parse((BENCHMARKS / "serving-model" / "train.py").read_text(encoding="utf-8"))
    (value,) = [one.value for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name]
    return tuple(eval(ast.unparse(value)))  # a tuple of strings in our own file


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_server_and_pinned_requirements(peer: Peer) -> None:
    assert (peer.place / "server.py").is_file()
    pins = (peer.place / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in pins if not line.startswith("#")]
    assert [line for line in pins if "==" not in line] == []
    assert [line for line in pins if line.startswith("onnxruntime==")] != []


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_is_sent_all_inputs_in_order(peer: Peer) -> None:
    sent = json.dumps(peer.body(ROW))
    places = [sent.index(str(value)) for value in ROW.values()]
    assert places == sorted(places)


def test_all_peers_serve_with_the_same_onnx_runtime() -> None:
    pins = {
        line
        for peer in PEERS
        for line in (peer.place / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if line.startswith("onnxruntime==")
    }
    assert len(pins) == 1


def test_the_line_takes_what_the_benchmark_sends_and_gives_the_model_what_it_was_trained_on(line: ModuleType) -> None:
    names = (*named_in_training("SENT"), *named_in_training("DERIVED"))
    row = dict.fromkeys(names, 0.5)
    sent = transfer(0, row)
    assert len(line.Transfer.model_validate(sent).model_dump()) == 24
    assert set(named_in_training("SENT")) == set(list(row)[:SENT])
    assert line.serving.feature_names == named_in_training("DERIVED")


def test_the_line_computes_the_features_as_training_did(line: ModuleType) -> None:
    sent = {"amount": 30.0, "balance": 0.4, "usual_amount": 60.0, "hour": 5.0}
    values = [line.amount_of_balance(sent), line.amount_of_usual(sent), line.is_night(sent)]
    assert values == [30.0, 0.5, 1.0]


def test_check_fails_for_missed_goals_and_for_the_peers_that_goals_rest_on() -> None:
    goals = [Goal("fast", 1.0, 2.0, False), Goal("small", 1.0, 2.0, True), Goal("unknown", None, 2.0, None)]
    absent = {"kserve-v1": "cannot be installed", "ray": "no answer"}
    assert missed_of(goals, PEERS, absent) == ["fast 2, measured 1", "KServe SDK, V1 did not run"]
    assert {peer.name for peer in PEERS if peer.required} == {FASTAPI.name, KSERVE.name}


def test_the_sides_that_goals_rest_on_have_their_turn_in_every_round_and_the_others_now_and_then() -> None:
    def start() -> nullcontext[Started]:
        raise AssertionError("nobody starts it")

    sides = Sides(
        dict.fromkeys(("andon", "fastapi", "ray", "gone"), start), {"gone": "it cannot be installed"}, {"ray"}
    )
    turns = [[name for name, _ in sides.of_round(number)] for number in range(RARELY + 1)]
    assert turns[0] == turns[RARELY] == ["andon", "fastapi", "ray"]
    assert turns[1:RARELY] == [["andon", "fastapi"]] * (RARELY - 1)
