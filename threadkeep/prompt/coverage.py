"""Which messages the summary or quoted sentences cover, so that they can leave the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from langchain_core.messages import AnyMessage

from threadkeep.graph.state import LiteralPassage, State, Update
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.literal_passages import add_passages
from threadkeep.prompt.window import Window


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the prompt shows instead of older messages.

    `summary` covers all messages up to `summarized_through`; `extract` covers the messages from
    there to `extracted_through`, until a summary covers them.
    """

    summary: str
    summarized_through: str
    extract: str
    extracted_through: str
    passages: list[LiteralPassage]

    @classmethod
    def of(cls, state: State) -> "Coverage":
        """Return the coverage that `state` holds."""
        return cls(
            summary=state.summary,
            summarized_through=state.summarized_through,
            extract=state.extract,
            extracted_through=state.extracted_through,
            passages=state.pins,
        )

    @property
    def update(self) -> Update:
        """The coverage as a node's update of the state."""
        return {
            "summary": self.summary,
            "summarized_through": self.summarized_through,
            "extract": self.extract,
            "extracted_through": self.extracted_through,
            "pins": self.passages,
        }

    def uncovered(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """Return the messages that neither the summary nor the extract covers."""
        unsummarized = self.unsummarized(messages)
        return messages_after(unsummarized, self.extracted_through)

    def unsummarized(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """Return the messages that the summary does not cover."""
        return messages_after(messages, self.summarized_through)

    def extend_extract(self, messages: Sequence[AnyMessage], window: Window) -> "Coverage":
        """Return the coverage with quoted sentences for `messages`; no model is called."""
        if not messages:
            return self
        extract = summarize(self.extract, messages, window.extract) if window.extract else ""
        return replace(
            self,
            extract=extract,
            extracted_through=messages[-1].id or "",
            passages=add_passages(self.passages, messages, window.passages),
        )

    def extend_summary(
        self,
        summary: str,
        messages: Sequence[AnyMessage],
        following: Sequence[AnyMessage],
        window: Window,
    ) -> "Coverage":
        """Return the coverage with a `summary` that covers `messages` too.

        `following` are the messages after them. The extract is dropped once the summary covers
        its last message.
        """
        extract_covered = self.extracted_through not in {message.id for message in following}
        unquoted = messages_after(messages, self.extracted_through) if extract_covered else ()
        return Coverage(
            summary=summary,
            summarized_through=messages[-1].id or "",
            extract="" if extract_covered else self.extract,
            extracted_through="" if extract_covered else self.extracted_through,
            passages=add_passages(self.passages, unquoted, window.passages),
        )


def messages_after(messages: Sequence[AnyMessage], message_id: str) -> list[AnyMessage]:
    """Return the messages behind `message_id`; all of them if it is not among them."""
    ids = [message.id for message in messages]
    return list(messages[ids.index(message_id) + 1 :] if message_id in ids else messages)


def messages_before(messages: Sequence[AnyMessage], message_id: str | None) -> list[AnyMessage]:
    """Return the messages in front of `message_id`; all of them if it is not among them."""
    return list(takewhile(lambda message: message.id != message_id, messages))
