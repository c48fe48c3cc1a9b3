"""Match tool calls and results, whatever their ids: empty, equal, or used in an earlier turn."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

Place = tuple[int, int]
"""Of a call: the place of its message, and its number in the message."""


def match_results(messages: Sequence[AnyMessage]) -> dict[Place, ToolMessage]:
    """Return the result of each call, by the call's place.

    A result belongs to a call before it with its id: the first one since the user's last message
    that has no result yet, else the newest. A result whose id no call has belongs to such a call
    without an id, one without an id to the first call of the turn that has no result. A second
    result for one call replaces the first.
    """
    results: dict[Place, ToolMessage] = {}
    unanswered: dict[str, list[Place]] = {}
    newest: dict[str, Place] = {}
    turn = 0
    for place, message in enumerate(messages):
        if isinstance(message, HumanMessage):
            turn = place
        elif isinstance(message, AIMessage):
            for number, call in enumerate(message.tool_calls):
                unanswered.setdefault(call["id"] or "", []).append((place, number))
        elif isinstance(message, ToolMessage):
            call_id = _matching_id(message.tool_call_id, unanswered, turn)
            if calls := unanswered.get(call_id):
                newest[call_id] = calls.pop(_first_since(calls, turn))
                results[newest[call_id]] = message
            elif call_id and call_id in newest:
                results[newest[call_id]] = message
    return results


def with_unique_ids(message: AIMessage, used_ids: set[str]) -> list[ToolCall]:
    """Return the calls of a message with ids that no call before has, and note them as used.

    An id that is made up depends on nothing but the message and the call's number.
    """
    calls: list[ToolCall] = []
    for number, call in enumerate(message.tool_calls):
        call_id = call["id"] or ""
        if not call_id or call_id in used_ids:
            seed = f"{message.id or message.content}\0{number}\0{call_id}"
            call_id = f"call_{sha256(seed.encode('utf-8', 'replace')).hexdigest()[:24]}"
        used_ids.add(call_id)
        calls.append(call if call_id == call["id"] else {**call, "id": call_id})
    return calls


def _matching_id(result_id: str, unanswered: Mapping[str, Sequence[Place]], turn: int) -> str:
    """Return the id of the calls that a result with this id can belong to."""
    if result_id and result_id in unanswered:
        return result_id
    if result_id or unanswered.get(""):
        return ""
    in_turn = [
        (place, call_id)
        for call_id, places in unanswered.items()
        for place in places
        if place[0] > turn
    ]
    return min(in_turn)[1] if in_turn else ""


def _first_since(calls: Sequence[Place], turn: int) -> int:
    """Return the index of the first call since a place, else of the newest call."""
    return next((n for n, place in enumerate(calls) if place[0] > turn), len(calls) - 1)
