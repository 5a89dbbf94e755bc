"""Human typing: letters swapped, dropped or doubled, accents and capitals left out; never in numbers."""

import random
import unicodedata


def typed(text: str, rng: random.Random, rate: float) -> str:
    """Return a text with errors in about this share of its words."""
    return "\n".join(" ".join(_word(word, rng, rate) for word in line.split(" ")) for line in text.split("\n"))


def hurried(text: str, rng: random.Random) -> str:
    """Return a text as typed on a phone: without capitals, or without accents."""
    if rng.random() < 0.5:
        return text.lower()
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


def _word(word: str, rng: random.Random, rate: float) -> str:
    if len(word) < 4 or rng.random() >= rate or not word.isalpha():
        return word
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]
