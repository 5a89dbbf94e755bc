"""Mails for tests: what customers write to three teams, and a tiny sentence embedding."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from andon.models import FeatureKind, FeatureSpec

TEAMS = ("accounts", "cards", "loans")
FEATURES = (FeatureSpec("subject", FeatureKind.TEXT), FeatureSpec("body", FeatureKind.TEXT))

_WORDS = {
    "accounts": ("statement", "balance", "transfer", "iban", "account"),
    "cards": ("card", "stolen", "blocked", "pin", "terminal"),
    "loans": ("loan", "mortgage", "interest", "instalment", "credit"),
}
_USUAL = list(
    dict.fromkeys(
        word
        for line in ("please could you help me with this", "i have a question and would like to know")
        for word in line.split()
    )
)


def mails(count: int, seed: int = 1) -> tuple[dict[str, list[str]], list[str]]:
    """Return subjects and bodies, and the team of each."""
    rng = random.Random(seed)
    teams = [TEAMS[number % 3] for number in range(count)]
    subjects = [f"About my {rng.choice(_WORDS[team])} since {rng.randint(1, 9)} days" for team in teams]
    return {"subject": subjects, "body": [_body(rng, team) for team in teams]}, teams


def _body(rng: random.Random, team: str) -> str:
    words = [*rng.choices(_WORDS[team], k=3), *rng.choices(_USUAL, k=12), rng.choice(_WORDS[rng.choice(TEAMS)])]
    rng.shuffle(words)
    return " ".join(words)


def rows_of(columns: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return the same as rows."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def a_sentence_embedding(folder: Path, width: int = 12) -> Path:
    """Write a network that looks each word up in a random table, and its tokenizer, into a folder."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[UNK]", *dict.fromkeys([*_USUAL, *(word for some in _WORDS.values() for word in some)])]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(1).normal(size=(len(words), width)).astype(np.float32)
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in ("input_ids", "attention_mask")]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "embedding",
        inputs,
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "t", width])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "network.onnx")
    return folder
