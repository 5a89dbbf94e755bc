"""A model that runs on another server, as packing sees it; `serving` has the only implementation."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from andon.models.signature import Signature
from andon.runtimes import Matrix


@runtime_checkable
class Elsewhere(Protocol):
    """The interface that `pack` needs of a model that is not a file: where it is, and its answers."""

    @property
    def file(self) -> str:
        """The name of the file that tells where the model is."""
        ...

    def document(self) -> str:
        """Return the content of that file."""
        ...

    def reach(self, signature: Signature) -> Callable[[Matrix], Matrix]:
        """Return a function that asks the model about an encoded batch.

        Raises PackageInvalid if the model cannot be asked with these features.
        """
        ...
