"""The report of a batch for its watchers: the time of each stage, by version, and the origin of each decision."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from andon.decisions.domain import Decision, Judgement


class BatchReport(Struct, frozen=True):
    """One committed batch of one arm. Times are in seconds; `began_ns`, `ended_ns` on the clock of `perf_counter_ns`.

    `judgements`, `queue` and `whole` hold one entry for each decision, in one order: the judgement, the time from its
    admission to the start of the batch, and the time to the commit. `traced` are the decisions of requests with a
    trace; no other decision is held. The times of the other stages are for the batch as a whole; `features` and
    `record` are shared with the other arms of the same commit. `fallbacks` counts the decisions that the arm could not
    make, by reason. `misplaced` counts those that windows do not have at the time of their event, by reason. `breached`
    counts the values that were not as expected, by name.
    """

    automation: str
    model: str
    version: int
    judgements: Sequence[Judgement]
    queue: Sequence[float]
    whole: Sequence[float]
    features: float
    predict: float
    policy: float
    record: float
    cpu_us: int
    began_ns: int
    ended_ns: int
    fallbacks: Mapping[str, int] = {}
    misplaced: Mapping[str, int] = {}
    breached: Mapping[str, int] = {}
    traced: Sequence[Decision] = ()
