"""Tests of which mails the model learns from, which it is measured on, and whether it then knows a new product."""

import numpy as np
from andon.mail import parse
from andon.models import encode, fit_text, frame_of_rows
from andon_demo.mails import NEW_TEAM, Mails

from contract import read_mail
from history import filed
from train import FEATURES, Row, columns_of, parted


def rows(team: str, count: int) -> list[Row]:
    return [({"number": number}, team) for number in range(count)]


def test_the_newest_filed_mails_measure_where_nothing_is_labelled_yet() -> None:
    filed = rows("cards", 10)
    assert parted(filed, []) == (filed[:6], filed[6:])


def test_the_newest_labelled_mails_measure_once_there_are_some() -> None:
    filed, labelled = rows("cards", 10), rows("digital-assets", 5)
    assert parted(filed, labelled) == ([*filed, *labelled[:3]], labelled[3:])


def test_the_surer_half_is_right_after_people_have_labelled_a_new_product() -> None:
    mails = Mails(seed=5).take(400, new_product_from=150)
    labelled = [(read_mail(parse(mail.raw).data("INBOX", 0)), mail.truth.team) for mail in mails]
    learnt, newest = parted(list(filed(1_200)), labelled)
    classes = sorted({team for _, team in learnt})
    model = fit_text(FEATURES, *columns_of(learnt), classes, light=True)
    columns, teams = columns_of(newest)
    sure = model.predict_proba(frame_of_rows(FEATURES, encode(FEATURES, columns)))
    half = np.argsort(-sure.max(axis=1))[: len(newest) // 2]
    right = [classes[sure[at].argmax()] == teams[at] for at in half]
    assert sum(right) >= 0.97 * len(half)
    assert NEW_TEAM in {teams[at] for at in half}
