"""Tests of which mails the model learns from, and which it is measured on."""

from train import Row, parted


def rows(team: str, count: int) -> list[Row]:
    return [({"number": number}, team) for number in range(count)]


def test_the_newest_filed_mails_measure_where_nothing_is_labelled_yet() -> None:
    filed = rows("cards", 10)
    assert parted(filed, []) == (filed[:6], filed[6:])


def test_the_newest_labelled_mails_measure_once_there_are_some() -> None:
    filed, labelled = rows("cards", 10), rows("digital-assets", 5)
    assert parted(filed, labelled) == ([*filed, *labelled[:3]], labelled[3:])
