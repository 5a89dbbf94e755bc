"""Errors in a message of the Open Inference Protocol."""

from andon.kernel.errors import Invalid


class InferenceInvalid(Invalid):
    """This is not a message of the Open Inference Protocol."""
