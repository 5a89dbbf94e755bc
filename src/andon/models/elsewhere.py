"""A model that runs on another server, as packing sees it; `serving` has the one there is."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from andon.models.signature import Signature
from andon.runtimes import Matrix


@runtime_checkable
class Elsewhere(Protocol):
    """What `pack` needs of a model that is no file: how it is found again, and its answers."""

    @property
    def file(self) -> str:
        """The name of the file that says where it is."""
        ...

    def document(self) -> str:
        """Return the content of that file."""
        ...

    def reach(self, signature: Signature) -> Callable[[Matrix], Matrix]:
        """Return a function that asks the model about an encoded batch.

        Raises PackageInvalid if it cannot be asked with these features.
        """
        ...
