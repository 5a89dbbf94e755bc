"""Errors of a declaration by itself."""

from andon.kernel.errors import Invalid


class DeclarationInvalid(Invalid):
    """The declaration of an automation cannot be used."""
