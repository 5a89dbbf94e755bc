"""What can be wrong with a package, a version or an alias."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class PackageInvalid(Invalid):
    """The package cannot be used."""


class PickleRefused(Invalid):
    """The model can run any code when it is loaded; it needs explicit trust."""


class ValueUnusable(Invalid):
    """A value cannot be encoded for the model."""


class TrainingFailed(Invalid):
    """The training script did not pack a model."""


class ModelNotFound(NotFound):
    """No such model."""


class VersionNotFound(NotFound):
    """No such version of this model."""


class AliasNotFound(NotFound):
    """The alias points to no version of this model."""


class AliasInvalid(Invalid):
    """An alias cannot have this name."""


class PackageDamaged(Unavailable):
    """The stored package does not match its digest."""


class VersionHeld(Unavailable):
    """The version ended the process in which it was tried, so it answers nothing."""


class ScoreReversed(Conflict):
    """Of the same two classes, the version's score is the probability of the other one than in earlier versions."""


class NotQuarantined(Conflict):
    """The version is not in quarantine."""
