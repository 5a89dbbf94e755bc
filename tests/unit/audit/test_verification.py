"""Whatever is done to a sealed log is found, and found where it was done; an untouched one is left in peace."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.audit.logs import NOON, WRITERS, Log, build, findings, logs

from andon.audit.chain import Chain
from andon.audit.domain import CONTROL, NO_HASH, ChainHead, Finding, Harm, Leaf, Tip
from andon.audit.encoding import hash_of, hash_of_checkpoint

FIELDS = ("at", "actor", "action", "subject", "body", "prev_hash", "hash")


def other(leaf: Leaf, field: str) -> Leaf:
    """Return the leaf with one field changed."""
    value = getattr(leaf, field)
    if field in ("prev_hash", "hash"):
        return replace(leaf, **{field: bytes([value[0] ^ 1]) + value[1:]})
    if field == "at":
        return replace(leaf, at=leaf.at + timedelta(microseconds=1))
    return replace(leaf, **{field: value + (b"!" if field == "body" else "!")})


def rehashed(leaf: Leaf) -> Leaf:
    return replace(leaf, hash=hash_of(leaf))


def near(found: list[Finding], leaf: Leaf) -> bool:
    """Whether a finding points at the leaf or at the link after it."""
    return any(f.writer == leaf.writer and f.seq in (leaf.seq, leaf.seq + 1) for f in found)


@given(logs())
def test_an_untouched_log_has_no_findings_and_meets_each_of_its_anchors(log: Log) -> None:
    assert findings(log) == []
    for checkpoint in log.checkpoints:
        assert findings(log, anchor=checkpoint.hash) == []


@given(logs(), st.data())
def test_an_edit_of_any_field_is_found_at_the_entry(log: Log, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log.leaves) - 1))
    victim = log.leaves[at]
    edited = other(victim, data.draw(st.sampled_from(FIELDS)))
    found = findings(log.with_leaves([*log.leaves[:at], edited, *log.leaves[at + 1 :]]))
    assert (Harm.EDITED, victim.writer, victim.seq) in [(f.harm, f.writer, f.seq) for f in found]
    assert all((f.action, f.subject) != (None, None) for f in found if f.harm is Harm.EDITED)


@given(logs(), st.data())
def test_an_edit_with_its_hash_made_to_fit_is_found_at_the_entry_or_the_link_after_it(
    log: Log, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log.leaves) - 1))
    victim = log.leaves[at]
    edited = rehashed(other(victim, data.draw(st.sampled_from(FIELDS[:-1]))))
    assert near(findings(log.with_leaves([*log.leaves[:at], edited, *log.leaves[at + 1 :]])), victim)


@given(logs(), st.data())
def test_a_chain_rewritten_from_an_entry_to_its_end_contradicts_the_next_checkpoint(
    log: Log, data: st.DataObject
) -> None:
    victim = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    rewritten, prev = [], victim.prev_hash
    for leaf in log.of(victim.writer)[victim.seq - 1 :]:
        changed = replace(leaf, prev_hash=prev, actor="mallory")
        rewritten.append(rehashed(changed))
        prev = rewritten[-1].hash
    kept = [leaf for leaf in log.leaves if leaf.writer != victim.writer or leaf.seq < victim.seq]
    held = [h.seq for c in log.checkpoints for h in c.heads if h.writer == victim.writer and h.seq >= victim.seq]
    found = findings(log.with_leaves(kept + rewritten))
    assert (Harm.REPLACED, victim.writer, min(held)) in [(f.harm, f.writer, f.seq) for f in found]


@given(logs(), st.data())
def test_a_deleted_entry_is_named_by_its_number(log: Log, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log.leaves) - 1))
    victim = log.leaves[at]
    found = findings(log.with_leaves([*log.leaves[:at], *log.leaves[at + 1 :]]))
    only = len(log.of(victim.writer)) == 1
    last = victim.seq == len(log.of(victim.writer))
    harm = Harm.CHAIN_MISSING if only else Harm.TRUNCATED if last else Harm.MISSING
    assert [(f.harm, f.writer, f.seq) for f in found] == [(harm, victim.writer, victim.seq)]


@given(logs(), st.data())
def test_a_chain_cut_off_anywhere_is_found_where_it_was_cut(log: Log, data: st.DataObject) -> None:
    victim = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    kept = [leaf for leaf in log.leaves if leaf.writer != victim.writer or leaf.seq < victim.seq]
    harm = Harm.CHAIN_MISSING if victim.seq == 1 else Harm.TRUNCATED
    assert [(f.harm, f.writer, f.seq) for f in findings(log.with_leaves(kept))] == [(harm, victim.writer, victim.seq)]


@given(logs(), st.data(), st.booleans())
def test_an_entry_put_between_others_is_found(log: Log, data: st.DataObject, fitted: bool) -> None:
    """With the numbers of those after it moved up, as they must be; `fitted` also gives it a hash that fits."""
    before = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    forged = replace(before, actor="mallory", prev_hash=before.prev_hash)
    moved = [
        replace(leaf, seq=leaf.seq + 1) if leaf.writer == before.writer and leaf.seq >= before.seq else leaf
        for leaf in log.leaves
    ]
    found = findings(log.with_leaves([*moved, rehashed(forged) if fitted else forged]))
    assert near(found, before)


@given(logs(), st.data())
def test_a_second_entry_under_the_same_number_is_found(log: Log, data: st.DataObject) -> None:
    victim = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    forged = rehashed(replace(victim, actor="mallory"))
    found = findings(log.with_leaves([*log.leaves, forged]))
    assert (Harm.INSERTED, victim.writer, victim.seq) in [(f.harm, f.writer, f.seq) for f in found]


@given(logs(), st.data())
def test_two_entries_that_changed_places_are_both_found(log: Log, data: st.DataObject) -> None:
    one = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    two = log.leaves[data.draw(st.integers(0, len(log.leaves) - 1))]
    assume(one is not two)
    places = {(one.writer, one.seq): two, (two.writer, two.seq): one}
    swapped = [
        replace(places[leaf.writer, leaf.seq], writer=leaf.writer, seq=leaf.seq)
        if (leaf.writer, leaf.seq) in places
        else leaf
        for leaf in log.leaves
    ]
    edited = {(f.writer, f.seq) for f in findings(log.with_leaves(swapped)) if f.harm is Harm.EDITED}
    assert edited == set(places)


@given(logs(), st.data(), st.sampled_from(["at", "chains", "entries", "head", "heads", "prev_hash", "hash"]))
def test_an_altered_checkpoint_is_named_by_its_number(log: Log, data: st.DataObject, what: str) -> None:
    at = data.draw(st.integers(0, len(log.checkpoints) - 1))
    victim = log.checkpoints[at]
    first = victim.heads[0]
    altered = {
        "at": replace(victim, at=victim.at + timedelta(seconds=1)),
        "chains": replace(victim, chains=victim.chains + 1),
        "entries": replace(victim, entries=victim.entries - 1),
        "head": replace(victim, heads=(ChainHead(first.writer, first.seq, NO_HASH), *victim.heads[1:])),
        "heads": replace(victim, heads=victim.heads[1:]),
        "prev_hash": replace(victim, prev_hash=bytes([1]) * 32),
        "hash": replace(victim, hash=bytes([1]) * 32),
    }[what]
    found = findings(replace(log, checkpoints=(*log.checkpoints[:at], altered, *log.checkpoints[at + 1 :])))
    assert (Harm.CHECKPOINT_EDITED, victim.number) in [(f.harm, f.checkpoint) for f in found]


@given(logs(), st.data())
def test_an_altered_checkpoint_with_a_hash_that_fits_breaks_the_link_after_it_or_the_noted_end(
    log: Log, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log.checkpoints) - 1))
    altered = replace(log.checkpoints[at], at=log.checkpoints[at].at + timedelta(seconds=1))
    altered = replace(altered, hash=hash_of_checkpoint(altered))
    found = findings(replace(log, checkpoints=(*log.checkpoints[:at], altered, *log.checkpoints[at + 1 :])))
    after = min(at + 2, len(log.checkpoints))
    assert [(f.harm, f.checkpoint) for f in found] == [(Harm.CHECKPOINT_EDITED, after)]


def test_each_chain_that_was_rewritten_is_named() -> None:
    log = build([[(WRITERS[1], b"1"), (WRITERS[2], b"1")]])
    found = findings(log.with_leaves([rehashed(replace(leaf, actor="mallory")) for leaf in log.leaves]))
    assert [(f.harm, f.writer, f.checkpoint) for f in found] == [(Harm.REPLACED, writer, 1) for writer in WRITERS[1:]]


@given(logs(), st.data())
def test_a_missing_checkpoint_is_named_also_when_it_was_the_newest(log: Log, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log.checkpoints) - 1))
    found = findings(replace(log, checkpoints=(*log.checkpoints[:at], *log.checkpoints[at + 1 :])))
    assert [(f.harm, f.checkpoint) for f in found] == [(Harm.CHECKPOINT_MISSING, at + 1)]


@given(logs(smallest=2))
def test_a_log_rewritten_as_a_whole_is_in_itself_sound_but_misses_the_anchor(log: Log) -> None:
    forged = build([[(leaf.writer, leaf.body + b"!") for leaf in log.leaves]])
    assert findings(forged) == []
    assert [f.harm for f in findings(forged, anchor=log.checkpoints[0].hash)] == [Harm.ANCHOR_MISSING]


def test_a_checkpoint_whose_counts_contradict_its_heads_is_found_though_its_hash_fits() -> None:
    log = build([[(CONTROL, b"")]])
    forged = replace(log.checkpoints[0], entries=5)
    forged = replace(forged, hash=hash_of_checkpoint(forged))
    found = findings(replace(log, checkpoints=(forged,), sealed=Tip(1, forged.hash)))
    assert [(f.harm, f.message) for f in found] == [
        (Harm.CHECKPOINT_EDITED, "it counts 1 chain and 5 entries, its heads count 1 and 1")
    ]


def test_the_unsealed_end_of_the_control_chain_cannot_be_cut_off_or_extended_unnoticed() -> None:
    log = replace(build([[(CONTROL, b"1"), (CONTROL, b"2")]]), checkpoints=(), sealed=Tip(0, NO_HASH))
    assert findings(log) == []
    assert [f.harm for f in findings(log.with_leaves(log.leaves[:1]))] == [Harm.TRUNCATED]
    assert [f.harm for f in findings(log.with_leaves([]))] == [Harm.CHAIN_MISSING]
    short = replace(log, control=Tip(1, log.leaves[0].hash))
    assert [(f.harm, f.message) for f in findings(short)] == [(Harm.INSERTED, "the last entry written was 1")]


def test_a_chain_refuses_to_advance_past_a_leaf_that_is_not_its_next() -> None:
    chain = Chain(UUID(int=1))
    first = chain.link(actor="a", action="b", subject="c", body=b"", at=NOON)
    chain.advance(first)
    with pytest.raises(ValueError, match="does not follow"):
        chain.advance(first)
