"""Phrases that readers stumbled over stay out of the code, the documentation, the README and the changelog."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PHRASES = {
    r"\bagain and again\b": "repeatedly, or how often",
    r"\bof late(?= took| is\b|[,;.:)])": "recently",
    r"\btold apart\b": "distinguished, separate, grouped",
    r"\bso far told\b": "reported",
    r"\bas told[.,;]": "as set, as configured",
    r"\bby which (?:it|he) is told\b": "which estimates, which says",
    r"\b(?:he|who|which|what|it) is told\b": "the caller receives, the page shows",
    r"\bis no older when he\b": "within a named time of",
    r"\bhead was seen before\b": "with a cached head",
    r"\bit is answered with\b": "the reply",
    r"\bwho asks again\b": "a caller who retries",
    r"\bslow hours?\b": "a figure with the command that measures it, in benchmarks/README.md",
    r"\bwho looks for it\b": "a reader, an operator",
}
"""What readers read twice, as patterns, with what to write instead."""


def unfinished() -> list[str]:
    """Return the patterns of files that Ruff does not check for docstrings yet."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    return [pattern for pattern, rules in ruff["per-file-ignores"].items() if "D" in rules]


def checked() -> Iterator[Path]:
    """Yield the files to check; `docs/reference` is generated from the code, which is checked itself."""
    yield from (ROOT / "README.md", ROOT / "CHANGELOG.md")
    yield from (file for file in (ROOT / "docs").rglob("*.md") if "reference" not in file.parts)
    left = unfinished()
    for kind in ("py", "sql", "html"):
        for file in (ROOT / "src").rglob(f"*.{kind}"):
            if not any(fnmatch(str(file.relative_to(ROOT)), pattern) for pattern in left):
                yield file


def findings_in(text: str) -> list[tuple[int, str, str]]:
    """Return the line, the phrase and what to write instead, of each phrase in a text, also across line ends."""
    flat = re.sub(r"\s", " ", text)
    return [
        (text.count("\n", 0, match.start()) + 1, match[0], instead)
        for phrase, instead in PHRASES.items()
        for match in re.finditer(phrase, flat, re.IGNORECASE)
    ]


def test_no_text_has_a_phrase_that_is_read_twice() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {phrase!r}: write {instead}"
        for file in checked()
        for line, phrase, instead in findings_in(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "What a decision of late took under load, by which it is told how long a queue is.",
        "Whose last answer is no older when he is refused is parked: he asks again and again.",
        "What holds a request whose head was seen before, and what\nit is answered with.",
        "in slow hours, 80 to 97 of 100 were left before that",
        "The present, as told.",
        "what is told apart by which",
        "what it so far told",
    ],
    ids=lambda text: text[:30],
)
def test_the_phrases_are_found(text: str) -> None:
    assert findings_in(text)


def test_plain_sentences_pass() -> None:
    assert findings_in("Recent service times, used to estimate the wait in a queue. The share of late batches.") == []
