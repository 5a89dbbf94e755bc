"""Model files whose sizes, counts, indexes or nesting could lead a library astray are refused before it reads them."""

import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from lightgbm import Booster, Dataset, train

from andon.runtimes import ModelUnreadable, check_structure
from onnx_graphs import a_network

TWO = {"features": [{"kind": "number"}, {"kind": "number"}]}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    rows = [[float(n % 7), float(n % 5)] for n in range(200)]
    data = Dataset(np.array(rows), [float(n % 7 + n % 5 > 5) for n in range(200)])
    booster: Booster = train({"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}, data, 2)
    file = tmp_path_factory.mktemp("model") / "model.txt"
    booster.save_model(file)
    return file.read_text()


def replaced(text: str, name: str, change: str) -> str:
    """Replace the value of the first line of this name in a model."""
    line = next(line for line in text.split("\n") if line.startswith(f"{name}="))
    return text.replace(line, f"{name}={change}", 1)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("left_child", "100000000", "left_child has 1 values"),
        ("num_leaves", "900000", "leaf_value has"),
        ("num_leaves", "-3", "expected a number"),
        ("split_feature", "9", "split_feature has 1 values"),
        ("leaf_value", "0.1", "leaf_value has 1 values"),
        ("max_feature_idx", "5", "takes 6 features, the signature has 2"),
        ("num_tree_per_iteration", "3", "3 trees per iteration"),
        ("threshold", "x", "threshold contains something other than numbers"),
    ],
)
def test_lightgbm_text_with_a_wrong_array_is_refused(
    text: str, tmp_path: Path, name: str, change: str, said: str
) -> None:
    file = tmp_path / "model.txt"
    file.write_text(text)
    check_structure("lightgbm", file, TWO)
    file.write_text(replaced(text, name, change))
    with pytest.raises(ModelUnreadable, match=said):
        check_structure("lightgbm", file, TWO)


def test_without_a_signature_any_number_of_features_is_taken(text: str, tmp_path: Path) -> None:
    file = tmp_path / "model.txt"
    file.write_text(replaced(text, "max_feature_idx", "5"))
    check_structure("lightgbm", file)
    file.write_text(replaced(text, "left_child", "100000000"))
    with pytest.raises(ModelUnreadable, match="left_child has 1 values"):
        check_structure("lightgbm", file)


def test_lightgbm_text_whose_nodes_go_round_in_circles_is_refused(text: str, tmp_path: Path) -> None:
    children = next(line for line in text.split("\n") if line.startswith("left_child=")).partition("=")[2].split()
    at = next(number for number, child in enumerate(children) if int(child) > 0)
    children[at] = "0"
    (tmp_path / "model.txt").write_text(replaced(text, "left_child", " ".join(children)))
    with pytest.raises(ModelUnreadable, match="do not form a tree"):
        check_structure("lightgbm", tmp_path / "model.txt", TWO)


def test_lightgbm_text_that_was_cut_off_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text(text[: text.index("end of trees")])
    with pytest.raises(ModelUnreadable, match="ends within its trees"):
        check_structure("lightgbm", tmp_path / "model.txt", TWO)


def an_xgboost_tree(**changes: list[int]) -> bytes:
    tree = {
        "tree_param": {"num_nodes": "3"},
        "left_children": [1, -1, -1],
        "right_children": [2, -1, -1],
        "split_indices": [0, 0, 0],
        "split_conditions": [0.5, 0.1, 0.2],
        "default_left": [0, 0, 0],
        "base_weights": [0.0, 0.1, 0.2],
    }
    model = {"gbtree_model_param": {"num_trees": "1"}, "trees": [tree | changes], "tree_info": [0]}
    booster = {"name": "gbtree", "model": model}
    learner = {"learner_model_param": {"num_feature": "2"}, "gradient_booster": booster}
    return json.dumps({"learner": learner}).encode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"left_children": [7, -1, -1]}, "left_children contains 7"),
        ({"left_children": [0, -1, -1]}, "do not form a tree"),
        ({"split_indices": [5, 0, 0]}, "split_indices contains 5"),
        ({"split_conditions": [0.5]}, "split_conditions has 1 values"),
        ({"right_children": [-1, -1, -1]}, "a node has one child"),
    ],
)
def test_an_xgboost_tree_that_points_outside_of_itself_is_refused(
    tmp_path: Path, changes: dict[str, list[int]], said: str | None
) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(an_xgboost_tree(**changes))
    if said is None:
        check_structure("xgboost", file, TWO)
        return
    with pytest.raises(ModelUnreadable, match=said):
        check_structure("xgboost", file, TWO)


def test_ubjson_that_announces_more_than_is_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.ubj").write_bytes(b"{L" + (8).to_bytes(8, "big") + b"learner!" + b"[$d#L" + b"\x7f" * 8)
    with pytest.raises(ModelUnreadable, match="neither JSON nor UBJSON"):
        check_structure("xgboost", tmp_path / "model.ubj", TWO)


def test_an_onnx_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file = Path(a_network(tmp_path / "model.onnx", columns=2, classes=2))
    check_structure("onnx", file, TWO)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ModelUnreadable, match="is cut off"):
        check_structure("onnx", file, TWO)


def an_archive(file: Path, name: str, content: bytes) -> Path:
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file


def test_archives_that_unpack_to_too_much_or_elsewhere_or_nest_too_deep_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="unpacks to"):
        check_structure("python", an_archive(tmp_path / "bomb.zip", "zeros", bytes(70_000_000)), TWO)
    with pytest.raises(ModelUnreadable, match="outside the archive"):
        check_structure("pyfunc", an_archive(tmp_path / "out.zip", "../../x", b"x"), TWO)
    deep = an_archive(tmp_path / "deep.skops", "schema.json", b"[" * 5000 + b"]" * 5000)
    with pytest.raises(ModelUnreadable, match="nested 5000 levels deep"):
        check_structure("sklearn", deep, TWO)
