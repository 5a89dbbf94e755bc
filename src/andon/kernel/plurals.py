"""Counts with their nouns, for sentences."""


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 decision`, `2,500 decisions`, `2 entries`."""
    if count == 1:
        return f"{count:,} {noun}"
    ends_in_y = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{count:,} {noun[:-1]}ies" if ends_in_y else f"{count:,} {noun}s"
