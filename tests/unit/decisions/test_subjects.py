"""The keyed hash of a subject: HMAC-SHA-256 under a key of its own, and none where there is no key or no subject."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from andon.decisions import Subjects
from andon.testing import decide
from automations import an_automation, payment

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.binary(min_size=1, max_size=100), texts | st.integers())
def test_it_is_the_beginning_of_an_hmac_under_a_key_that_follows_from_the_pepper(
    pepper: bytes, subject: object
) -> None:
    key = hmac.digest(pepper, b"andon: the subject of a decision", "sha256")
    assert Subjects(pepper).hash_of(subject) == hmac.digest(key, str(subject).encode(), "sha256")[:16]


def test_another_pepper_gives_another_hash_of_the_same_subject() -> None:
    assert Subjects(b"a").hash_of("account") != Subjects(b"b").hash_of("account")
    assert Subjects(b"a").hash_of("account") == Subjects(b"a").hash_of("account")


def test_a_line_without_a_key_says_nothing_of_the_subject() -> None:
    (decision,) = decide(an_automation(), [payment()], model=lambda _: 0.9)
    assert decision.subject is None
