"""The ledger's side of verifying the audit log, however large the batches were that were recorded."""

import os
from dataclasses import replace
from uuid import uuid4

from andon.audit import Chain, Harm
from andon.decisions import RECORDED, LedgerEvidence
from lines import Installation


def test_more_decisions_than_a_statement_may_have_parameters_are_all_looked_for(installation: Installation) -> None:
    chain, per_leaf = Chain(uuid4()), 500
    leaves = []
    for _ in range(140):
        body = os.urandom(48 * per_leaf)
        leaf = chain.link(
            actor="platform", action=RECORDED, subject="decisions", body=body, at=installation.clock.now()
        )
        chain.advance(leaf)
        leaves.append(leaf)
    with installation.database.begin() as tx:
        found = list(LedgerEvidence().check(tx, [*leaves, replace(leaves[0], body=os.urandom(48 * 70_000))]))
    assert len(found) == 140 * per_leaf + 70_000
    assert {finding.harm for finding in found} == {Harm.EVIDENCE_MISSING}
