"""Cases: named decisions whose results must stay the same, kept next to a policy and judged in memory.

Start reading at `domain.py` (the parts of a case), then `running.py` (how it is judged).
"""

from andon.cases.domain import (
    CaseDifference,
    CasePrediction,
    CaseResult,
    CaseRisk,
    DecisionCase,
    ExpectedDecision,
    FiledCase,
    ScoreBounds,
)
from andon.cases.errors import CasesInvalid, CasesMissing, CaseTaken, CaseUnsuitable
from andon.cases.files import check_folders, read_cases, write_case
from andon.cases.recording import case_of
from andon.cases.reporting import junit, lines_of
from andon.cases.running import CaseRunner

__all__ = [
    "CaseDifference",
    "CasePrediction",
    "CaseResult",
    "CaseRisk",
    "CaseRunner",
    "CaseTaken",
    "CaseUnsuitable",
    "CasesInvalid",
    "CasesMissing",
    "DecisionCase",
    "ExpectedDecision",
    "FiledCase",
    "ScoreBounds",
    "case_of",
    "check_folders",
    "junit",
    "lines_of",
    "read_cases",
    "write_case",
]
