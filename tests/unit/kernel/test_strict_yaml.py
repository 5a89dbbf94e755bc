"""Strict YAML reads what JSON has, guesses nothing, and gives back what it wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.kernel import strict_yaml
from andon.kernel.strict_yaml import YamlInvalid

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert strict_yaml.read(strict_yaml.write(value), source="x") == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("abc no:'#-[]{}", max_size=9),
        lambda i: st.lists(i) | st.dictionaries(st.text("ab", min_size=1), i),
        max_leaves=8,
    )
)
def test_json_is_read_as_json_reads_it(value: object) -> None:
    assert strict_yaml.read(json.dumps(value), source="x") == value


@pytest.mark.parametrize(
    "word", ["no", "yes", "on", "NO", "12:30", "2026-03-01", "0123", "1_000", "0x1F", ".5", "~x", "True"]
)
def test_a_word_stays_a_word(word: str) -> None:
    assert strict_yaml.read(f"country: {word}", source="x") == {"country": word}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "x:3: 'a' occurs twice"),
        ("a: [1\n", "x:2: "),
        ("? [1]\n: 2\n", "x:1: a key must be text"),
        ("a: 1e999", "x:1: 1e999 is too large"),
        ("a: !!python/object:os.system 1", "x:1: "),
        ("[" * 5000, "x: it is nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(YamlInvalid) as refused:
        strict_yaml.read(text, source="x")
    assert str(refused.value).startswith(said)
