"""What can be wrong with language models."""

from andon.kernel.errors import Invalid


class LanguageModelInvalid(Invalid):
    """The language model cannot be used."""


class RequestTooDear(Invalid):
    """The request to the language model may cost more than is left of the agent's spending limit."""
