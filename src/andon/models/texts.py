"""Texts for a package, invented from words that occur in many texts, since a real text may reveal a person."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a gateway never draws, and so saves two megabytes
    from numpy.random import Generator

_WORD = re.compile(r"[^\W\d_]{2,20}")
_READ = 5_000
"""The most texts that are searched for words."""
_WORDS = 300
_LEAST_SHARE, _FEWEST = 0.01, 5
"""A word must occur in at least this share and number of texts, so that it identifies nobody."""
_LONGEST = 40
_FALLBACK = ("lorem", "ipsum", "dolor", "sit", "amet")


def invented_texts(texts: Iterable[str | None], count: int, rng: "Generator") -> list[str]:
    """Invent texts of one to forty words that are frequent in these."""
    words = _frequent(list(texts)[:_READ])
    lengths = rng.integers(1, _LONGEST + 1, count)
    return [" ".join(words[at] for at in rng.integers(0, len(words), length)) for length in lengths.tolist()]


def _frequent(texts: list[str | None]) -> list[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(_WORD.findall((text or "").lower())))
    least = max(_FEWEST, _LEAST_SHARE * len(texts))
    return [word for word, found in counts.most_common(_WORDS) if found >= least] or list(_FALLBACK)
