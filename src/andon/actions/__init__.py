"""Actions: the effects of a decision outside, performed after it, at least once, under one key.

Decisions write actions to the outbox; `Deliveries` delivers them through connectors (`ports`); the rest serves the
people who look after undelivered actions. Start reading at `domain.py`.
"""

from andon.actions.answer_evidence import adopt_answers
from andon.actions.callbacks import callback_of, is_genuine_callback
from andon.actions.deliveries import Deliveries
from andon.actions.delivery_states import DeliveryStates
from andon.actions.domain import (
    Action,
    ActionSelection,
    ActionState,
    Answer,
    AnswerKind,
    Attempt,
    Disabled,
    Repeat,
)
from andon.actions.doubts import give_up, take_unasked
from andon.actions.errors import (
    ActionNotDead,
    ActionNotFound,
    DestinationDisabled,
    DestinationNotDisabled,
    EvidenceNotFound,
)
from andon.actions.evidence import DatabaseEvidence, evidence_of, picture_of
from andon.actions.observing import DeliveryObserver
from andon.actions.outgoing_mail import (
    MailUnsendable,
    SendingServer,
    SendingSettings,
    is_mail_address,
    sending_failure,
    sending_server,
)
from andon.actions.outside import EventRoute, matches, send_outside
from andon.actions.over_http import OverHttp, answer_of
from andon.actions.polling import not_found, still_working
from andon.actions.ports import (
    Connector,
    Delivery,
    Destination,
    EvidenceKeeper,
    EvidenceStep,
    Inquiring,
    Kind,
    Shape,
    Surroundings,
)
from andon.actions.published import ActionConfirmed, ActionsDied, ActionsRevived
from andon.actions.robots import ControlRooms, answer_to_order, inputs_of, json_of, listed, parts_of
from andon.actions.service import (
    ask_now,
    attempts,
    confirm,
    count,
    count_resendable,
    count_unknown,
    dead_letters,
    disable_destination,
    disabled_destinations,
    enable_destination,
    filled_of_decision,
    get,
    of_decision,
    page,
    resend,
    resend_all,
    waiting_retries,
)
from andon.actions.templates import Body, Inputs, Template, Text, ValueMissing, fill_json, text_of, value_of, values_of
from andon.actions.tokens import ClientCredentials, FetchedToken, Tokens, fetch_token, fixed_token

__all__ = [
    "Action",
    "ActionConfirmed",
    "ActionNotDead",
    "ActionNotFound",
    "ActionSelection",
    "ActionState",
    "ActionsDied",
    "ActionsRevived",
    "Answer",
    "AnswerKind",
    "Attempt",
    "Body",
    "ClientCredentials",
    "Connector",
    "ControlRooms",
    "DatabaseEvidence",
    "Deliveries",
    "Delivery",
    "DeliveryObserver",
    "DeliveryStates",
    "Destination",
    "DestinationDisabled",
    "DestinationNotDisabled",
    "Disabled",
    "EventRoute",
    "EvidenceKeeper",
    "EvidenceNotFound",
    "EvidenceStep",
    "FetchedToken",
    "Inputs",
    "Inquiring",
    "Kind",
    "MailUnsendable",
    "OverHttp",
    "Repeat",
    "SendingServer",
    "SendingSettings",
    "Shape",
    "Surroundings",
    "Template",
    "Text",
    "Tokens",
    "ValueMissing",
    "adopt_answers",
    "answer_of",
    "answer_to_order",
    "ask_now",
    "attempts",
    "callback_of",
    "confirm",
    "count",
    "count_resendable",
    "count_unknown",
    "dead_letters",
    "disable_destination",
    "disabled_destinations",
    "enable_destination",
    "evidence_of",
    "fetch_token",
    "fill_json",
    "filled_of_decision",
    "fixed_token",
    "get",
    "give_up",
    "inputs_of",
    "is_genuine_callback",
    "is_mail_address",
    "json_of",
    "listed",
    "matches",
    "not_found",
    "of_decision",
    "page",
    "parts_of",
    "picture_of",
    "resend",
    "resend_all",
    "send_outside",
    "sending_failure",
    "sending_server",
    "still_working",
    "take_unasked",
    "text_of",
    "value_of",
    "values_of",
    "waiting_retries",
]
