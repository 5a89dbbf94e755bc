"""A key has one shape, and the pepper is made once, kept from others, and refused when it is weak."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.access import PepperInvalid, Unauthenticated, load_or_create_pepper
from andon.access.tokens import digest_of, id_in, new_token

KEY = UUID("01a20d6d-5a00-7316-8dab-227db71a37c2")
PEPPER = "5e" * 32


def test_a_key_names_its_id_and_no_two_are_the_same() -> None:
    one, two = new_token(KEY), new_token(KEY)
    assert one != two
    assert id_in(one) == id_in(two) == KEY.hex
    assert one.startswith(f"andon_{KEY.hex}_")


@given(st.text(max_size=120))
def test_what_is_no_key_is_refused_as_such(text: str) -> None:
    with pytest.raises(Unauthenticated, match="not an API key"):
        id_in(text)


def test_a_key_of_another_shape_is_refused_and_not_repeated() -> None:
    token = new_token(KEY)
    for wrong in (
        token + "0",
        token[:-1],
        token.upper(),
        token.replace("_", "-"),
        token[:-1] + "é",
        token[:-1] + "\ud800",
    ):
        with pytest.raises(Unauthenticated, match="not an API key") as refused:
            id_in(wrong)
        assert wrong not in str(refused.value)


def test_the_digest_depends_on_every_part_of_the_key_and_on_the_pepper() -> None:
    token = new_token(KEY)
    other_id = token.replace(KEY.hex, UUID(int=1).hex)
    digests = {digest_of(token, b"a"), digest_of(token, b"b"), digest_of(token[:-1], b"a"), digest_of(other_id, b"a")}
    assert len(digests) == 4


def test_a_pepper_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pepper"
    made = load_or_create_pepper(path)
    assert load_or_create_pepper(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["pepper"]


def test_processes_that_start_at_once_agree_on_one_pepper(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_or_create_pepper(tmp_path / "pepper"), range(24)))) == 1


def test_a_given_pepper_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    assert load_or_create_pepper(tmp_path / "pepper", PEPPER + "\n") == PEPPER.encode()
    assert not (tmp_path / "pepper").exists()


def test_a_pepper_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "pepper"
    load_or_create_pepper(path)
    path.chmod(0o640)
    with pytest.raises(PepperInvalid, match="chmod 600"):
        load_or_create_pepper(path)


@pytest.mark.parametrize("weak", ["", "secret", "5e" * 31, "zz" * 32, "é" * 64])
def test_a_weak_pepper_is_refused_without_being_repeated(tmp_path: Path, weak: str) -> None:
    path = tmp_path / "pepper"
    path.write_text(weak, encoding="utf-8")
    path.chmod(0o600)
    for load in (lambda: load_or_create_pepper(path), lambda: load_or_create_pepper(path, weak)):
        with pytest.raises(PepperInvalid, match="at least 64 hexadecimal digits") as refused:
            load()
        assert not weak or weak not in str(refused.value)
