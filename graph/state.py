"""The state of a thread: `State` is read, `Update` returned, `Input` and `Output` are public."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Annotated, Any, NotRequired, get_type_hints

from langchain_core.messages import AnyMessage, BaseMessage, RemoveMessage
from langgraph.channels import UntrackedValue
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.graph.messages import merge_messages, read_messages
from threadkeep.graph.state_checks import (
    MAX_POINTER_CHARACTERS,
    check_ledger,
    check_place,
    check_time,
)


class RecalledTurn(TypedDict):
    """What one turn recalled, and where it is in the prompt until the next compaction."""

    before: str
    """Id of the message that it is shown in front of; `PINNED` for pins."""
    places: list[Annotated[list[str], AfterValidator(check_place)]]
    """Namespace and key of each item, without the owner: a state cannot name another's items."""
    scores: NotRequired[list[dict[str, int]]]
    """The score of each item in hundredths: `total`, and its parts."""
    passages: NotRequired[list[list[int]]]
    """The numbers of the passages that are shown of each item; none where all of it is."""
    over: NotRequired[bool]
    """It left the prompt by a compaction after the newest turn."""


class LiteralPassage(TypedDict):
    """Words of a summarised message that are kept word for word beside the summary."""

    text: str
    literals: list[str]
    """The names, numbers, dates, paths, addresses, quotes and denials in the text."""
    message: str
    """Id of the message that it comes from."""
    used: int
    """How many messages mention one of its literals."""


Ledger = dict[str, Any]
"""What filled the window: tokens by part, the limit, and what the provider reported."""


def merge_ledger(old: Ledger, new: Ledger) -> Ledger:
    """Return the ledger of a new plan, which replaces the old; other entries are added to it.

    A reducer: it never raises. An old value that cannot be read counts as none.
    """
    old, new = (value if _is_valid("ledger", value) else {} for value in (old, new))
    if "limit" in new:
        return new
    internal = {**old.get("internal", {}), **new.get("internal", {})}
    return {**old, **new, **({"internal": internal} if internal else {})}


class PromptMessages(TypedDict):
    """The prompt of a turn."""

    messages: list[AnyMessage]
    """In a dict, because LangGraph streams messages in a list as if the node had said them."""


# LangGraph takes the last annotation as the channel, so the description comes first.
Messages = Annotated[
    list[AnyMessage],
    Field(description="The conversation. Send the new message; older ones are kept."),
    merge_messages,
]
Pointer = Annotated[str, Field(max_length=MAX_POINTER_CHARACTERS)]
Time = Annotated[str, AfterValidator(check_time)]
Memories = Annotated[
    list[RecalledItem], Field(description="The recalled items of this turn."), UntrackedValue
]


@dataclass(kw_only=True)
class State:
    """The state of one thread: bounded in size, messages and plain JSON only.

    A stored value that cannot be read gets its field's default, so that the thread goes on.
    """

    messages: Messages = field(default_factory=list)
    summary: Annotated[str, Field(description="The running summary of older messages.")] = ""
    summarized_through: Annotated[
        Pointer, Field(description="Id of the last message that the summary covers.")
    ] = ""
    extract: Annotated[
        str, Field(description="Quoted sentences of messages that no summary covers yet.")
    ] = ""
    extracted_through: Annotated[
        Pointer, Field(description="Id of the last message that the quoted sentences cover.")
    ] = ""
    pins: Annotated[
        list[LiteralPassage],
        Field(description="Literal passages of the messages that the summary covers."),
    ] = field(default_factory=list)
    ratios: Annotated[
        dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False, le=1_000)]],
        Field(description="Per model: tokens its provider reports for each one counted here."),
    ] = field(default_factory=dict)
    windows: Annotated[
        dict[str, Annotated[int, Field(gt=0, le=1_000_000_000)]],
        Field(description="Per model: the most tokens of a prompt, learned from an overflow."),
    ] = field(default_factory=dict)
    stored_through: Annotated[
        Pointer, Field(description="Id of the last message that is in the long-term store.")
    ] = ""
    stored: Annotated[
        int,
        Field(
            description="How many messages of this thread are in the long-term store.",
            ge=0,
            le=1_000_000_000,
        ),
    ] = 0
    facts_through: Annotated[
        Pointer, Field(description="Id of the last message of which a model noted the facts.")
    ] = ""
    corrected_at: Annotated[
        Time, Field(description="When the newest applied correction was made, ISO 8601.")
    ] = ""
    turn_at: Annotated[Time, Field(description="When the newest turn began, ISO 8601.")] = ""
    recalled: Annotated[
        list[RecalledTurn], Field(description="Ids and places of recalled items since compaction.")
    ] = field(default_factory=list)
    ledger: Annotated[
        Annotated[Ledger, AfterValidator(check_ledger)],
        Field(description="What filled the window in the newest turn, in tokens."),
        merge_ledger,
    ] = field(default_factory=dict)
    memories: Memories = field(default_factory=list)
    llm_input_messages: Annotated[
        PromptMessages, Field(description="The prompt of this turn."), UntrackedValue
    ] = field(default_factory=lambda: PromptMessages(messages=[]))

    def __post_init__(self) -> None:
        self.messages = [m for m in self.messages if isinstance(m, BaseMessage)]
        if not _are_valid(vars(self)):
            for name in _adapters():
                if not _is_valid(name, getattr(self, name)):
                    setattr(self, name, _default(name))


class Update(TypedDict, total=False):
    """What a node returns: only the channels that it changes."""

    messages: Sequence[AnyMessage | RemoveMessage]
    summary: str
    summarized_through: str
    extract: str
    extracted_through: str
    pins: list[LiteralPassage]
    ratios: dict[str, float]
    windows: dict[str, int]
    stored_through: str
    stored: int
    facts_through: str
    corrected_at: str
    turn_at: str
    recalled: list[RecalledTurn]
    ledger: Ledger
    memories: list[RecalledItem]
    llm_input_messages: PromptMessages


class Input(TypedDict):
    """What a caller sends: the new messages."""

    messages: Messages


class Output(TypedDict):
    """What a caller gets: the recent messages, the recalled items, the ledger."""

    messages: Messages
    memories: NotRequired[Memories]
    ledger: NotRequired[Ledger]


def validate_values(values: Any) -> dict[str, Any]:
    """Return the values that a caller sets in a state, its messages read.

    The values of one run, such as `memories`, are left out: no checkpoint holds them.

    Raises:
        BadInput: a field is unknown or has the wrong type; the sentence names it.
    """
    if not isinstance(values, Mapping):
        raise BadInput(f"values {values!r:.40} is not an object; name the fields to set.")
    valid: dict[str, Any] = {}
    for name, value in values.items():
        if name not in State.__annotations__:
            names = ", ".join(State.__annotations__)
            raise BadInput(f"values: there is no field {name!r:.40}; the fields are {names}.")
        if name == "messages":
            valid[name] = read_messages(value, "values.messages")
        elif name in _adapters():
            valid[name] = _validated(name, value)
        elif not isinstance(value, list | dict):
            raise BadInput(f"values: {name} {value!r:.40} is not allowed; it is of one run only.")
    return valid


def readable_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored values of a state without those that cannot be read."""
    return {
        name: value
        for name, value in values.items()
        if name not in _adapters() or _is_valid(name, value)
    }


def _validated(name: str, value: Any) -> Any:
    try:
        return _adapters()[name].validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (name, *first["loc"])))
        reason = first["msg"][:1].lower() + first["msg"][1:]
        raise BadInput(
            f"values: {place} {first['input']!r:.60} is not allowed; {reason}."
        ) from None


def _is_valid(name: str, value: Any) -> bool:
    try:
        _adapters()[name].validate_python(value, strict=True)
    except (ValueError, RecursionError):
        return False
    return True


def _are_valid(values: Mapping[str, Any]) -> bool:
    """Return whether all fields of a state are valid: one call for what is true of most states."""
    try:
        _fields_adapter().validate_python(values, strict=True)
    except (ValueError, RecursionError):
        return False
    return True


@cache
def _fields_adapter() -> TypeAdapter[Any]:
    hints = get_type_hints(State, include_extras=True)
    return TypeAdapter(TypedDict("Fields", {name: hints[name] for name in _adapters()}))  # type: ignore[operator]


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    """Return a validator for each field that a checkpoint holds, messages aside."""
    hints = get_type_hints(State, include_extras=True)
    return {
        name: TypeAdapter(hint)
        for name, hint in hints.items()
        if name != "messages" and UntrackedValue not in hint.__metadata__
    }


def _default(name: str) -> Any:
    (definition,) = (item for item in fields(State) if item.name == name)
    return (
        definition.default
        if definition.default_factory is MISSING
        else definition.default_factory()
    )
