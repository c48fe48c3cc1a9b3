"""What a thread holds: `State` to read, `Update` to return, `Input` and `Output` at the edges."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from langchain_core.messages import AnyMessage
from langgraph.channels import UntrackedValue
from langgraph.graph.message import add_messages
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from graph.memories import Memory


class Recalled(TypedDict):
    """Where a recalled memory stands in the prompt, until the next compaction."""

    key: str
    """The memory's id in the store."""
    namespace: list[str]
    before: str
    """The id of the message in front of which it is shown."""


Ledger = dict[str, Any]
"""What filled the window: tokens by part, the limit, and what the provider reported."""

Messages = Annotated[list[AnyMessage], add_messages]


@dataclass(kw_only=True)
class State:
    """The working state of one thread. Small and bounded; messages and plain JSON only."""

    messages: Annotated[
        Messages, Field(description="Recent messages; older ones live in the store.")
    ] = field(default_factory=list)
    summary: Annotated[str, Field(description="The running summary of older messages.")] = ""
    summarized_through: Annotated[
        int, Field(description="Position of the first message that the summary does not cover.")
    ] = 0
    dropped: Annotated[
        int, Field(description="How many messages left the state; the position of messages[0].")
    ] = 0
    turn_at: Annotated[str, Field(description="When the newest turn began, ISO 8601.")] = ""
    recalled: Annotated[
        list[Recalled], Field(description="Ids and places of memories shown since compaction.")
    ] = field(default_factory=list)
    ledger: Annotated[
        Ledger, Field(description="What filled the window in the newest turn, in tokens.")
    ] = field(default_factory=dict)
    memories: Annotated[
        list[Memory], UntrackedValue, Field(description="What this turn recalled.")
    ] = field(default_factory=list)
    llm_input_messages: Annotated[
        list[AnyMessage], UntrackedValue, Field(description="The messages shown this turn.")
    ] = field(default_factory=list)


class Update(TypedDict, total=False):
    """What a node returns: the change alone."""

    messages: list[AnyMessage]
    summary: str
    summarized_through: int
    dropped: int
    turn_at: str
    recalled: list[Recalled]
    ledger: Ledger
    memories: list[Memory]
    llm_input_messages: list[AnyMessage]


class Input(TypedDict):
    """What a caller sends: the new messages."""

    messages: Messages


class Output(TypedDict):
    """What a caller gets: the thread's recent messages, what was recalled, what it cost."""

    messages: Messages
    memories: NotRequired[Annotated[list[Memory], UntrackedValue]]
    ledger: NotRequired[Ledger]
