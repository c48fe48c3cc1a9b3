"""Which messages a summary or quoted sentences stand in for, and how they come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from langchain_core.messages import AnyMessage

from threadkeep.graph.state import Pin, State, Update
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.literal_passages import pinned
from threadkeep.prompt.window import Window


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What stands in the prompt for messages that do not.

    `summary` covers all up to `summarized_through`; `extract` covers what lies between that and
    `extracted_through`, until a summary does.
    """

    summary: str
    summarized_through: str
    extract: str
    extracted_through: str
    pins: list[Pin]

    @classmethod
    def of(cls, state: State) -> "Coverage":
        """Return the coverage that `state` holds."""
        return cls(
            summary=state.summary,
            summarized_through=state.summarized_through,
            extract=state.extract,
            extracted_through=state.extracted_through,
            pins=state.pins,
        )

    @property
    def update(self) -> Update:
        """Return it as what a node returns."""
        return {
            "summary": self.summary,
            "summarized_through": self.summarized_through,
            "extract": self.extract,
            "extracted_through": self.extracted_through,
            "pins": self.pins,
        }

    def uncovered(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """Return the messages that nothing stands in for."""
        return after(after(messages, self.summarized_through), self.extracted_through)

    def unsummarized(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """Return the messages that no summary covers, quoted or not."""
        return after(messages, self.summarized_through)

    def extracting(self, left: Sequence[AnyMessage], window: Window) -> "Coverage":
        """Return the coverage with quoted sentences for `left`; no model is called."""
        if not left:
            return self
        return replace(
            self,
            extract=summarize(self.extract, left, window.extract) if window.extract else "",
            extracted_through=left[-1].id or "",
            pins=pinned(self.pins, left, window.pins),
        )

    def summarizing(
        self,
        summary: str,
        folded: Sequence[AnyMessage],
        rest: Sequence[AnyMessage],
        window: Window,
    ) -> "Coverage":
        """Return the coverage with a summary that covers `folded` too; `rest` comes after them.

        Quoted sentences go once the summary reaches the last message that they stand in for.
        """
        reached = self.extracted_through not in {message.id for message in rest}
        new = after(folded, self.extracted_through) if reached else ()
        return Coverage(
            summary=summary,
            summarized_through=folded[-1].id or "",
            extract="" if reached else self.extract,
            extracted_through="" if reached else self.extracted_through,
            pins=pinned(self.pins, new, window.pins),
        )


def after(messages: Sequence[AnyMessage], message_id: str) -> list[AnyMessage]:
    """Return the messages behind `message_id`; all of them where it is not among them."""
    ids = [message.id for message in messages]
    return list(messages[ids.index(message_id) + 1 :] if message_id in ids else messages)


def before(messages: Sequence[AnyMessage], message_id: str | None) -> list[AnyMessage]:
    """Return the messages in front of `message_id`."""
    return list(takewhile(lambda message: message.id != message_id, messages))
