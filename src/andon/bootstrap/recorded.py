"""The lines that made recorded decisions, and candidates to replace them, built from the registry and local code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from andon import decisions, models, policies
from andon.authoring import Automation
from andon.bootstrap.project import chosen, load_automations
from andon.bootstrap.versions import load_version
from andon.decisions import UNCONTROLLED, Contract, Control, Controls, Gate, Judge, Line, RecordedDecision, ReplayBy
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.policies import CompiledPolicy
from andon.replays import ReplayQuestion, TriedPolicy
from andon.serving import LoadedVersion


@dataclass(slots=True)
class RecordedLines:
    """Lines by the versions in a record, each built once."""

    settings: Settings
    database: Database
    declared: Automation
    _lines: dict[tuple[int, int, str], Line] = field(default_factory=dict)

    @classmethod
    def of_project(cls, settings: Settings, database: Database, name: str | None) -> "RecordedLines":
        """Take an automation of the project. Raises AutomationNotFound, AutomationInvalid."""
        return cls(settings, database, chosen(load_automations(settings), name))

    def by(self, record: RecordedDecision) -> ReplayBy:
        """Return the versions that made a decision. Raises VersionNotFound, AutomationInvalid."""
        return ReplayBy.line(self._of(record), record)

    def arm(self, record: RecordedDecision, gate: Gate) -> ReplayBy:
        """Return the versions that made a decision, to predict again, under a gate."""
        line = self._of(record)
        return ReplayBy(line.contract, line.judge, line.traffic.champion, gate=gate)

    def load(self, number: int) -> LoadedVersion:
        """Load a version of the automation's model. Raises VersionNotFound, VersionHeld, EndpointUnavailable."""
        with self.database.begin() as tx:
            version = models.get(tx, self.declared.model, number)
        return load_version(self.settings, self.database, version)

    def policy_text(self, version: str, automation_version: int) -> TriedPolicy:
        """Return the text of a policy that decided. Raises AutomationNotFound."""
        with self.database.begin() as tx:
            published = policies.find(tx, self.declared.name, version)
            if published is not None:
                return TriedPolicy(published.text, f"policy {version}")
            deployed = decisions.version(tx, self.declared.name, automation_version)
        return TriedPolicy(deployed.description["policy"], f"policy {version}")

    def _of(self, record: RecordedDecision) -> Line:
        line = record.line
        key = (line.automation_version, line.model.version, line.policy_version)
        if key not in self._lines:
            self._lines[key] = self._build(*key)
        return self._lines[key]

    def _build(self, automation_version: int, model_version: int, policy_version: str) -> Line:
        with self.database.begin() as tx:
            deployed = decisions.version(tx, self.declared.name, automation_version)
            model = models.get(tx, deployed.description["model"], model_version)
        text = self.policy_text(policy_version, automation_version).text
        then = decisions.as_deployed(self.declared, deployed, text)
        loaded = load_version(self.settings, self.database, model)
        return decisions.assemble(then, loaded, number=automation_version)


@dataclass(slots=True)
class CandidateLines:
    """The candidate of a question: the automation in local code, with a model version, policy and gate."""

    lines: RecordedLines
    question: ReplayQuestion
    now: datetime
    _contract: Contract = field(init=False)
    _loaded: LoadedVersion | None = field(init=False)
    _control: Control = field(init=False, default=UNCONTROLLED)
    _by: dict[str, ReplayBy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        question, declared = self.question, self.lines.declared
        self._contract = Contract(declared.contract)
        self._loaded = None if question.model is None else self.lines.load(question.model)
        if self._loaded is not None:
            decisions.check_signature(declared, self._loaded.version)
            controls = Controls()
            with self.lines.database.begin() as tx:
                controls.refresh(tx, self.now)
            self._control = controls.of(declared.name)
        if question.policy is not None:
            self._by[""] = self._build(question.policy)

    def by(self, record: RecordedDecision) -> ReplayBy:
        """Return the candidate for one decision. If the question names no policy, it uses the one that decided."""
        if self.question.policy is not None:
            return self._by[""]
        version = record.line.policy_version
        if version not in self._by:
            self._by[version] = self._build(self.lines.policy_text(version, record.line.automation_version))
        return self._by[version]

    def before(self) -> ReplayBy | None:
        """Return the other side if it is also a policy, with the recorded predictions and gates."""
        if self.question.before is None:
            return None
        _, compiled = decisions.compile_text(self.lines.declared, *_pair(self.question.before))
        return ReplayBy(self._contract, self._judge(compiled))

    def described(self) -> Mapping[str, str]:
        """Describe the candidate in words, part by part."""
        question, declared = self.question, self.lines.declared
        policy = "as recorded for each decision" if question.policy is None else question.policy.source
        asked = f"{declared.model}@{question.model}, asked again"
        model = "the recorded predictions" if self._loaded is None else asked
        return {"model": model, "policy": policy, "gate": self._gate_in_words(), **self._proof()}

    def _proof(self) -> Mapping[str, str]:
        """Describe what held-out rows prove before and after, if the policy or the model is another one."""
        text = None if self.question.policy is None else self.question.policy.text
        if text is None and self.question.model is None:
            return {}
        with self.lines.database.begin() as tx:
            change = decisions.proof_change(tx, self.lines.declared, policy=text, champion=self.question.model)
        return {} if change is None else {"proof": change.sentence}

    def _gate_in_words(self) -> str:
        if self.question.gate is not None:
            return f"threshold {self.question.gate:g}, as given"
        if self._loaded is None:
            return "as recorded for each decision"
        if self.question.policy is not None:
            arm = self._by[""].arm
            if arm is not None and arm.name in self._control.gates:
                gate = self._control.gate(arm.name, arm.gate, self.now)
                return f"threshold {gate.threshold:g}, revision {gate.revision} in force"
            if arm is not None:
                return f"threshold {arm.gate.threshold:g}, proven by its held-out rows"
        return "the revision in force for its arm; otherwise what its held-out rows prove"

    def _build(self, text: TriedPolicy) -> ReplayBy:
        table, compiled = decisions.compile_text(self.lines.declared, *_pair(text))
        judge = self._judge(compiled)
        risk, asked = self.lines.declared.risk, self.question.gate
        gate = None if asked is None else Gate(asked, 1.0 if risk is None else risk.target)
        if self._loaded is None:
            return ReplayBy(self._contract, judge, gate=gate)
        evidence = decisions.evidence_of(self.lines.declared, self._loaded, compiled)
        arm = decisions.arm_of(self.lines.declared, self._loaded, evidence, number=0, policy_version=table.version)
        gates = {arm.name: decisions.held_out_gates(arm, risk), **self._control.gates}
        return ReplayBy(self._contract, judge, arm, gate=gate, control=replace(self._control, gates=gates))

    def _judge(self, compiled: CompiledPolicy) -> Judge:
        declared = self.lines.declared
        return Judge(declared.name, compiled, when_stopped=declared.when_stopped, predicts=declared.predicts)


def _pair(text: TriedPolicy) -> Sequence[str]:
    return text.text, text.source
