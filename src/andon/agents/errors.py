"""What can be wrong with language models."""

from andon.kernel.errors import Invalid


class LanguageModelInvalid(Invalid):
    """The language model cannot be used."""
