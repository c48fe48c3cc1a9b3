"""Types and bounds of the values in an export.

Values may have further keys: another version of threadkeep may store more with a message.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from threadkeep.base.clock import parse_time
from threadkeep.base.errors import BadInput


def _moment(text: str) -> str:
    try:
        parse_time(text)
    except BadInput as error:
        raise ValueError("write it like 2026-03-04T09:30:00+00:00") from error
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("use printable characters")
    return text


def _label(text: str) -> str:
    if "." in text or text != text.strip():
        raise ValueError("a label has no dot, and no space at either end")
    return _printable(text)


def _pinned_place(place: list[str]) -> list[str]:
    if place[0] not in ("messages", "facts", "entities"):
        raise ValueError("a pin is of messages, facts or entities")
    return [*map(_label, place[:-1]), place[-1]]


Moment = Annotated[str, Field(max_length=64), AfterValidator(_moment)]
Key = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_printable)]
Label = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_label)]
Short = Annotated[str, Field(max_length=4_000)]
Long = Annotated[str, Field(max_length=4_000_000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=10**15)]
Sources = Annotated[list[Key], Field(max_length=10_000)]
MAX_WORDINGS = 1_000


class Value(BaseModel):
    """A value whose unknown keys are preserved."""

    model_config = ConfigDict(extra="allow", strict=True)


class Wording(Value):
    """A former text of an item, before a correction."""

    text: Long
    until: Moment


Wordings = Annotated[list[Wording], Field(max_length=MAX_WORDINGS)]


class ThreadValue(Value):
    """A thread's record; empty when the record is missing."""

    name: Annotated[str, Field(max_length=200)] = ""
    created: Moment | None = None
    last_used: Moment | None = None
    turns: Count = 0
    last_message: Annotated[str, Field(max_length=512)] = ""
    title: Short = ""
    state: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    ttl_minutes: Annotated[float, Field(gt=0, lt=1e9)] | None = None
    corrected: Annotated[dict[Key, Moment], Field(max_length=1_000)] = {}
    """When each of its messages was corrected last, by message id."""


class MessageValue(Value):
    """A message as it is stored."""

    role: Literal["user", "assistant", "system", "tool"]
    text: Long
    position: Annotated[int, Field(ge=-(10**15), le=10**15)]
    time: Moment
    recorded_at: Moment
    before: Long = ""
    thread: Label
    name: Short = ""
    tokens: Count = 0
    history: Wordings = []


class NoteEntity(Value):
    """What one message says about a person, place or thing."""

    name: Short
    type: Short
    attributes: dict[str, Short] = {}


class ClaimDates(Value):
    """When a claim holds, and what it does to others."""

    valid_from: Short | None = None
    valid_to: Short | None = None
    negated: bool = False
    status: Literal["asserted", "planned", "cancelled", "corrected"] = "asserted"
    replaces: Short | None = None


class NoteFact(ClaimDates):
    """A claim of one message."""

    subject: Short
    predicate: Short
    object: Short


class ClaimValue(ClaimDates):
    """A claim about the triple of a fact, and the message that made it."""

    stated_at: Moment
    message: Key


class IntervalValue(Value):
    """A time in which a fact holds."""

    from_: Annotated[str, Field(max_length=64, alias="from")]
    to: Short | None
    planned: bool = False
    negated: bool = False


class NoteValue(Value):
    """The entities and facts of one message."""

    said_at: Moment
    written_at: Moment | Literal[""] = ""
    order_at: Moment | Literal[""] = ""
    entities: Annotated[list[NoteEntity], Field(max_length=1_000)] = []
    facts: Annotated[list[NoteFact], Field(max_length=1_000)] = []


class AbandonedValue(Value):
    """One wording of a message on an abandoned branch."""

    id: Key
    after: Annotated[str, Field(max_length=64)]
    message: MessageValue
    note: NoteValue | None = None


class EntityValue(Value):
    """A person, place or thing."""

    name: Short
    type: Short
    aliases: list[Short]
    attributes: dict[str, list[Short]]
    timelines: dict[str, list[Short]] = {}
    relation: Short = ""
    mentions: Count
    first_seen: Moment
    last_seen: Moment
    sources: Sources
    text: Long


class FactValue(Value):
    """A fact with its sources and its successor."""

    subject: Short
    predicate: Short
    object: Short
    valid_from: Short | None = None
    valid_to: Short | None = None
    recorded_at: Moment
    written_at: Moment | None = None
    superseded_by: Key | None = None
    sources: Sources
    text: Long
    history: Wordings = []
    corrects: Key | None = None
    corrected_at: Moment | None = None
    claims: Annotated[list[ClaimValue], Field(max_length=1_000)] = []
    intervals: Annotated[list[IntervalValue], Field(max_length=10_000)] = []
    retracted_at: Moment | None = None
    birthday: Short | None = None


class CorrectionValue(Value):
    """A user's correction of a fact."""

    fact: Key
    at: Moment
    stated_keys: Annotated[list[Key], Field(max_length=1_000)] = []
    subject: Short
    predicate: Short
    object: Short
    valid_from: Short | None = None


class IdentityValue(Value):
    """A user's merge or split of entities, or the undo of one."""

    kind: Literal["merge", "split", "undo"]
    at: Moment
    keys: Annotated[list[Key], Field(max_length=2)]
    name: Short = ""
    other: Short = ""
    undoes: Annotated[str, Field(max_length=512)] = ""
    messages: Sources = []


class PinValue(Value):
    """A pinned item: its namespace without the owner, then its key."""

    place: Annotated[list[Key], Field(min_length=2, max_length=3), AfterValidator(_pinned_place)]
    at: Moment


class PinsValue(Value):
    """All pins of a user, the earliest first."""

    pins: Annotated[list[PinValue], Field(max_length=1_000)]


class BlobValue(Value):
    """A picture or a file: its data as base64, or in a form that is no canonical base64."""

    data: Annotated[str, Field(max_length=64_000_000)]
    size: Count


class BlobUseValue(Value):
    """That a thread uses a picture or a file."""

    digest: Digest


class UsageValue(Value):
    """Tokens of one thread's model calls on one day for one purpose."""

    thread: Label
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    purpose: Label
    calls: Count
    prompt: Count = 0
    reply: Count = 0
    cached: Count = 0
    estimated: Count = 0
