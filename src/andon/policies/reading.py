"""Reading a decision table from YAML, strictly, with the line of everything that is wrong."""

from andon.policies.domain import DecisionTable


def parse(text: str, *, source: str) -> DecisionTable:
    """The table written in `text`. Raises PolicyInvalid with all faults at once, each `source:line` and what was expected."""
    raise NotImplementedError
