"""Prose: whether texts were written by people for people, and not names, addresses or codes of several words. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from andon.scaffold import meaning

SAMPLES = 500
"""Values of a column that are looked at."""

NO_PROSE = "contains names or codes of several words, not free text"
"""Why a column of words is left out."""

_LEAST_WORDS = 3.0
"""Words of a text, on average: names have fewer."""
_LEAST_LOWER = 0.25
"""The share of words in lower case; those of names and addresses begin with capitals."""
_LEAST_OF_CAPITALS = 5.0
"""Words of a text without lower case at all."""
_LEAST_LETTERS = 10.0
"""Letters of a text in a script that sets no blanks between words."""
_HALF = 0.5
_WORD = re.compile(r"\S*[^\W\d_]\S*")
_BLANKLESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def reads_like_prose(name: str, values: Sequence[str]) -> bool:
    """Return whether a column's values read like free text."""
    texts = [value for value in values if value]
    if not texts or meaning.is_name(name):
        return False
    words = [word for text in texts for word in _WORD.findall(text)]
    tokens = sum(len(text.split()) for text in texts)
    if not words or 2 * len(words) < tokens:
        return _is_blankless(texts)
    mean = len(words) / len(texts)
    lower = sum(word == word.lower() and word != word.upper() for word in words) / len(words)
    if not any(word != word.upper() for word in words):
        return mean >= _LEAST_OF_CAPITALS or _is_blankless(texts)
    return mean >= _LEAST_WORDS and lower >= _LEAST_LOWER


def _is_blankless(texts: Sequence[str]) -> bool:
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    if len(letters) < _LEAST_LETTERS * len(texts):
        return False
    return sum(unicodedata.name(letter, "").startswith(_BLANKLESS) for letter in letters) > _HALF * len(letters)
