"""The state of a thread: `State` is read, `Update` returned, `Input` and `Output` are public."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NotRequired

from langchain_core.messages import AnyMessage, RemoveMessage
from langgraph.channels import UntrackedValue
from langgraph.graph.message import add_messages
from pydantic import Field
from typing_extensions import TypedDict

from threadkeep.base.memory_block import RecalledItem


class RecalledTurn(TypedDict):
    """What one turn recalled, and where it is in the prompt until the next compaction."""

    before: str
    """Id of the message that it is shown in front of; `PINNED` for pins."""
    places: list[list[str]]
    """Namespace and key of each item, without the owner: a state cannot name another's items."""
    scores: NotRequired[list[dict[str, int]]]
    """The score of each item in hundredths: `total`, and its parts."""
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
    """Return the ledger of a new plan, which replaces the old; other entries are added to it."""
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
    add_messages,
]
Memories = Annotated[
    list[RecalledItem], Field(description="The recalled items of this turn."), UntrackedValue
]


@dataclass(kw_only=True)
class State:
    """The state of one thread: bounded in size, messages and plain JSON only."""

    messages: Messages = field(default_factory=list)
    summary: Annotated[str, Field(description="The running summary of older messages.")] = ""
    summarized_through: Annotated[
        str, Field(description="Id of the last message that the summary covers.")
    ] = ""
    extract: Annotated[
        str, Field(description="Quoted sentences of messages that no summary covers yet.")
    ] = ""
    extracted_through: Annotated[
        str, Field(description="Id of the last message that the quoted sentences cover.")
    ] = ""
    pins: Annotated[
        list[LiteralPassage],
        Field(description="Literal passages of the messages that the summary covers."),
    ] = field(default_factory=list)
    ratios: Annotated[
        dict[str, float],
        Field(description="Per model: tokens its provider reports for each one counted here."),
    ] = field(default_factory=dict)
    windows: Annotated[
        dict[str, int],
        Field(description="Per model: the most tokens of a prompt, learned from an overflow."),
    ] = field(default_factory=dict)
    stored_through: Annotated[
        str, Field(description="Id of the last message that is in the long-term store.")
    ] = ""
    stored: Annotated[
        int, Field(description="How many messages of this thread are in the long-term store.", ge=0)
    ] = 0
    corrected_at: Annotated[
        str, Field(description="When the newest applied correction was made, ISO 8601.")
    ] = ""
    turn_at: Annotated[str, Field(description="When the newest turn began, ISO 8601.")] = ""
    recalled: Annotated[
        list[RecalledTurn], Field(description="Ids and places of recalled items since compaction.")
    ] = field(default_factory=list)
    ledger: Annotated[
        Ledger,
        Field(description="What filled the window in the newest turn, in tokens."),
        merge_ledger,
    ] = field(default_factory=dict)
    memories: Memories = field(default_factory=list)
    llm_input_messages: Annotated[
        PromptMessages, Field(description="The prompt of this turn."), UntrackedValue
    ] = field(default_factory=lambda: PromptMessages(messages=[]))


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
