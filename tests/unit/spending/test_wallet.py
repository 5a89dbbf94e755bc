"""A process's block: it pays for no prediction that it could not pay at its ceiling, and learns what a ceiling is."""

from hypothesis import given
from hypothesis import strategies as st

from andon.spending.domain import PICO
from andon.spending.wallet import BURST, LATELY, TRIAL, Account, Ceiling, Wallet


def a_wallet(granted: int) -> Wallet:
    wallet = Wallet()
    wallet.adopt(granted)
    return wallet


def test_predictions_are_paid_up_to_the_block_and_no_further() -> None:
    wallet = a_wallet(10)
    assert [wallet.allow(3, each=2 * PICO) for _ in range(3)] == [3, 2, 0]
    wallet.settle(5, cost=4 * PICO)
    assert (wallet.used, wallet.bound, wallet.free) == (4 * PICO, 0, 6 * PICO)


def test_what_cost_more_than_it_might_is_taken_before_anything_else_is_allowed() -> None:
    wallet = a_wallet(10)
    assert wallet.allow(1, each=PICO) == 1
    wallet.settle(1, cost=12 * PICO)
    assert wallet.free < 0
    assert wallet.allow(1, each=1) == 0


def test_the_first_predictions_and_those_of_a_new_version_are_taken_to_be_dear() -> None:
    ceiling = Ceiling(1_000_000)
    for _ in range(TRIAL):
        assert ceiling.each == 1_000_000
        ceiling.learn(1, 4, 400)
    assert ceiling.each == 200
    ceiling.learn(2, 1, 10)
    assert ceiling.each == 1_000_000


def test_a_ceiling_is_twice_the_dearest_and_forgets_what_is_long_ago() -> None:
    ceiling = Ceiling(1)
    ceiling.learn(1, 1, 5_000)
    for _ in range(LATELY - 2):
        ceiling.learn(1, 10, 1_000)
    assert ceiling.each == 10_000
    for _ in range(2 * LATELY):
        ceiling.learn(1, 10, 1_000)
    assert ceiling.each == 200


def test_a_block_pays_for_a_burst_and_for_what_was_asked_in_vain() -> None:
    account = Account(default=PICO)
    assert account.want() == BURST * PICO
    assert account.allow(5_000) == 0
    assert account.want() > 5_000 * PICO
    assert account.want() == BURST * PICO


def test_what_was_allowed_before_midnight_is_settled_in_the_wallet_of_the_day_before() -> None:
    account = Account(default=PICO)
    account.wallet.adopt(10)
    assert account.allow(4) == 4
    left = account.turn()
    account.wallet.adopt(10)
    assert account.allow(2) == 2
    account.settle(1, 5, 10 * PICO)
    assert (left.outstanding, account.wallet.outstanding) == (0, 1)
    assert (left.used, account.wallet.used) == (8 * PICO, 2 * PICO)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("allow"), st.integers(1, 50), st.integers(1, 9_999)),
        st.tuples(st.just("settle"), st.integers(1, 50), st.floats(0, 1)),
        st.tuples(st.just("lower"), st.integers(0, 200), st.just(0)),
        st.tuples(st.just("grant"), st.integers(0, 200), st.just(0)),
    ),
    max_size=60,
)


@given(granted=st.integers(0, 200), steps=STEPS)
def test_what_is_used_and_under_way_is_never_more_than_was_granted(
    granted: int, steps: list[tuple[str, int, float]]
) -> None:
    """Batches end in any order, and each prediction costs any part of what it was allowed at."""
    wallet, under_way = a_wallet(granted), list[int]()
    for step, n, extra in steps:
        if step == "allow":
            under_way += [int(extra)] * wallet.allow(n, int(extra))
        elif step == "settle" and under_way:
            # The oldest are taken to be settled, so that is what a batch may cost at most, whichever it was in truth.
            ended, under_way = under_way[:n], under_way[n:]
            wallet.settle(len(ended), int(sum(ended) * extra))
        elif step == "lower":
            kept = wallet.lower(n)
            assert kept * PICO >= wallet.used + wallet.bound
        elif step == "grant":
            wallet.adopt(-(-wallet.granted // PICO) + n)
        assert wallet.used + wallet.bound <= wallet.granted
        assert (wallet.bound, wallet.outstanding) == (sum(under_way), len(under_way))
