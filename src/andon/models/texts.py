"""Texts that a package may hold: invented from words that many texts have, since a text itself may tell of a person."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # two megabytes that a gateway, which never draws, does without
    from numpy.random import Generator

_WORD = re.compile(r"[^\W\d_]{2,20}")
_READ = 5_000
"""Texts that are looked into."""
_WORDS = 300
_LEAST_SHARE, _FEWEST = 0.01, 5
"""A word stands in at least so many texts, so that it is nobody's."""
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
