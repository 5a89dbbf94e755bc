"""Policy: where the decision table of an automation is written. What it means is the `policies` slice's matter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """A decision table in YAML: in a file beside the automation, or as text."""

    path: str | None = None
    text: str | None = None

    @classmethod
    def file(cls, path: str) -> "Policy":
        """Use the table in `path`, relative to the Python file that declares the automation."""
        return cls(path=path)

    @classmethod
    def yaml(cls, text: str) -> "Policy":
        """Use the table in `text` itself."""
        return cls(text=text)
