"""The generator of bank mails: repeatable, varied, with a truth for each, and hard enough for a model to be wrong."""

import email
import email.policy
from collections import Counter

import pytest

from andon_demo.mails import NEW_TEAM, SPAM, TEAM_OF, TEAMS, BankMail, Mails
from andon_demo.mails.phrases import LANGUAGES


@pytest.fixture(scope="module")
def mails() -> list[BankMail]:
    """Return mails of which the second half knows the new product."""
    return list(Mails(7).take(1_200, new_product_from=600))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (list(Mails(seed).take(40)) for seed in (3, 3, 4))
    assert first == again
    assert {mail.raw for mail in first}.isdisjoint(mail.raw for mail in other)


def test_a_longer_stream_begins_like_a_shorter_one() -> None:
    assert list(Mails(3).take(60))[:20] == list(Mails(3).take(20))


def test_every_team_gets_its_share(mails: list[BankMail]) -> None:
    teams = Counter(mail.truth.team for mail in mails[:600])
    assert set(teams) == set(TEAMS)
    assert min(teams.values()) >= 600 * 0.06
    assert max(teams.values()) <= 600 * 0.3


def test_the_new_product_appears_only_from_its_mail_on(mails: list[BankMail]) -> None:
    assert NEW_TEAM not in {mail.truth.team for mail in mails[:600]}
    assert 0.12 <= sum(mail.truth.team == NEW_TEAM for mail in mails[600:]) / 600 <= 0.28


def test_all_that_makes_mails_hard_is_there(mails: list[BankMail]) -> None:
    languages = Counter(mail.truth.language for mail in mails)
    assert set(languages) == set(LANGUAGES)
    assert min(languages.values()) > 100
    assert sum(mail.truth.injection for mail in mails) >= 15
    assert sum(len(mail.truth.intents) > 1 for mail in mails) > 100
    assert sum(mail.truth.follows is not None for mail in mails) > 15
    read = [email.message_from_bytes(mail.raw, policy=email.policy.default) for mail in mails]
    assert sum(bool(list(one.iter_attachments())) for one in read) > 100
    assert sum(one["In-Reply-To"] is not None for one in read) > 150
    assert sum(one.get_body(("html",)) is not None for one in read) > 250


def test_each_card_to_block_is_named_in_its_mail_and_asked_for_by_one_customer(mails: list[BankMail]) -> None:
    asked = [mail for mail in mails if mail.truth.blocked_card is not None and mail.truth.follows is None]
    assert len(asked) > 40
    for mail in asked:
        assert str(mail.truth.blocked_card) in mail.text
    assert len({mail.truth.blocked_card for mail in asked}) == len(asked)


def test_an_injection_is_for_the_spam_folder_and_blocks_no_card(mails: list[BankMail]) -> None:
    injections = [mail.truth for mail in mails if mail.truth.injection]
    assert {truth.team for truth in injections} == {SPAM}
    assert {truth.blocked_card for truth in injections} == {None}


def test_a_mail_reads_back_as_it_was_written(mails: list[BankMail]) -> None:
    for mail in mails[:200]:
        read = email.message_from_bytes(mail.raw, policy=email.policy.default)
        body = read.get_body(("plain",))
        assert body is not None
        assert (read["Message-ID"], read["Subject"]) == (mail.message_id, mail.subject)
        assert mail.text in body.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_knows_every_intent(language: str) -> None:
    assert set(LANGUAGES[language].intents) == set(TEAM_OF)
