"""The policy: where the decision table of an automation is written. The `policies` slice interprets it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """A decision table in YAML: in a file next to the automation, or as text."""

    path: str | None = None
    text: str | None = None

    @classmethod
    def file(cls, path: str) -> "Policy":
        """Use the table in `path`, relative to the Python file that declares the automation."""
        return cls(path=path)

    @classmethod
    def yaml(cls, text: str) -> "Policy":
        """Use the table that `text` contains."""
        return cls(text=text)
