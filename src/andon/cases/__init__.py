"""Cases: named decisions kept beside a policy that must come out as they did, judged in memory.

Start reading at `domain.py` (what a case says), then `running.py` (how it is judged).
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
