"""Meaning: what a column's name suggests about its values, as evidence in addition to them, never instead."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_QUANTITIES = _set(
    "age amount amt area balance bytes calories capital consumption cost costs credit debt deposit depth "
    "distance duration"
    " elevation energy expense expenses fare fee fees fine followers gain gdp gross height hours income "
    "interest km length"
    " likes limit loan loss mass mileage miles minutes months net odometer packets paid payment payments points"
    " population power premium pressure price profit qty quantity rent revenue salary sales savings score seconds size"
    " speed spend spent sqft sum surface tax temperature tip total turnover value views visits volume votes "
    "wage wages weight"
    " width worth years days weeks count counts usd eur gbp chf alter anzahl betrag gehalt menge preis summe umsatz"
)
_SIGNED = _set("balance elevation gain loss net profit score temperature value interest points")
"""Quantities that may be negative."""
_COUNTS = _set("age anzahl alter count counts days followers likes months qty quantity views visits votes years")
_IDENTITIES = _set(
    "account acct booking card case claim client code contract customer device email employee guid iban id idx "
    "ids index"
    " invoice ip item key member merchant nr no number order passport patient phone policy receipt ref reference row"
    " seller serial session ssn terminal ticket trans transaction txn user username uuid vehicle vendor vin"
)
_NAMES = _set(
    "address adresse city employer firstname fullname lastname name nachname street strasse surname url vorname website"
)
"""What speaks of people and places, by its last word."""
_SHARES = _set("fraction percentage prob probability proportion rate ratio share")
_AHEAD = _set(
    "appointment arrival deadline departure due expected expires expiration expiry maturity planned renewal scheduled"
    " until valid"
)


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: `orderID`, `order_id` and `Order ID` have the same."""
    return tuple(word.lower() for word in _WORD.findall(name))


def is_quantity(name: str) -> bool:
    """Return whether the name speaks of something measured or counted."""
    return not is_identity(name) and not _QUANTITIES.isdisjoint(words_of(name))


def is_count(name: str) -> bool:
    """Return whether the quantity comes in whole numbers."""
    return not _COUNTS.isdisjoint(words_of(name))


def is_never_negative(name: str) -> bool:
    """Return whether the quantity has a natural floor at zero."""
    return is_quantity(name) and _SIGNED.isdisjoint(words_of(name))


def is_identity(name: str) -> bool:
    """Return whether the name speaks of one of many things, such as an account."""
    words = words_of(name)
    return bool(words) and words[-1] in _IDENTITIES


def is_name(name: str) -> bool:
    """Return whether the name speaks of names of people or places."""
    words = words_of(name)
    return bool(words) and (words[-1] in _NAMES or is_identity(name))


def is_share(name: str) -> bool:
    """Return whether the name speaks of a part of a whole."""
    return not _SHARES.isdisjoint(words_of(name))


def is_age(name: str) -> bool:
    """Return whether the name speaks of an age in years."""
    words = words_of(name)
    return bool(words) and words[-1] in ("age", "alter")


def lies_ahead(name: str) -> bool:
    """Return whether the name speaks of a moment that is agreed before it comes."""
    return not _AHEAD.isdisjoint(words_of(name))
