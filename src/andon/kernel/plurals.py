"""Counts with their nouns, for sentences."""


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 decision`, `2,500 decisions`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
