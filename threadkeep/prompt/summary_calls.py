"""Extend the summary by calls to the model: every message is shown, in as many calls as needed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage

from threadkeep.base.fences import escape_tags
from threadkeep.base.tokens import count_text
from threadkeep.models.faults import ContextOverflow
from threadkeep.models.finish import is_cut_off
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.run_model import ask_quietly
from threadkeep.prompt.templates import SUMMARIZE
from threadkeep.prompt.transcript_chunks import chunk_transcript
from threadkeep.prompt.window import Window
from threadkeep.stores.usage import NO_USAGE, Usage, sum_usage

log = logging.getLogger(__name__)
MAX_CALLS = 8
"""Of one turn. Later turns summarise the rest; quoted sentences cover it until then."""
MIN_PROSE = 40
"""Tokens; a model cannot write a summary in less."""
MIN_CHUNK = 200
"""Tokens of messages in one call."""


@dataclass(frozen=True, kw_only=True)
class ExtendedSummary:
    """A summary, the number of messages that it now covers, and the usage of its calls."""

    text: str
    covered: int
    usage: Usage = field(default_factory=lambda: NO_USAGE)


async def extend_summary(
    previous: str, messages: Sequence[AnyMessage], window: Window, model: BaseChatModel
) -> ExtendedSummary:
    """Return a summary that covers `previous` and the first of `messages`, in whole exchanges.

    Each call shows the summary so far and the next messages. It ends at the first call that
    fails, with the messages of the calls before.
    """
    if isinstance(model, OfflineChatModel) or window.prose < MIN_PROSE:
        text = summarize(previous, messages, window.prose)
        return ExtendedSummary(text=text, covered=len(messages))
    # `complete` covers whole exchanges; `draft` may end in the middle of one.
    complete = draft = previous
    covered, calls, usage = 0, 0, NO_USAGE
    chunk_tokens = _chunk_tokens(window)
    chunks = chunk_transcript(messages, chunk_tokens)
    while chunks and calls < MAX_CALLS:
        calls += 1
        try:
            text, call_usage = await _summarize_chunk(draft, chunks[0].text, window, model)
        except ContextOverflow as error:
            chunk_tokens //= 2
            if chunk_tokens < MIN_CHUNK:
                log.warning("The summary will be tried again next turn: %s", error)
                break
            draft, chunks = complete, chunk_transcript(messages[covered:], chunk_tokens)
            continue
        except Exception as error:
            log.warning("The summary failed and will be tried again next turn: %s", error)
            break
        usage = sum_usage([usage, call_usage])
        if not text:
            break
        draft, chunk = text, chunks.pop(0)
        if chunk.messages:
            complete, covered = draft, covered + chunk.messages
    return ExtendedSummary(text=complete, covered=covered, usage=usage)


async def _summarize_chunk(
    previous: str, transcript: str, window: Window, model: BaseChatModel
) -> tuple[str, Usage]:
    """Return the summary of one call, "" if it is empty, cut off or too long, and its usage."""
    prompt = SUMMARIZE.format(
        words=window.prose // 2, previous=escape_tags(previous), messages=escape_tags(transcript)
    )
    reply, usage = await ask_quietly(model, prompt)
    text = reply.text.strip()
    fault = _fault(reply, text, window)
    if fault:
        log.warning("The summary is %s and will be tried again next turn.", fault)
    return "" if fault else text, usage


def _fault(reply: AIMessage, text: str, window: Window) -> str:
    if not text:
        return "empty"
    if is_cut_off(reply):
        return "cut off"
    return "too long" if count_text(text) > window.prose else ""


def _chunk_tokens(window: Window) -> int:
    """Return how many tokens of messages fit into one call, beside instructions and summary."""
    prompt = count_text(SUMMARIZE) + 2 * window.prose + window.extract
    return max(MIN_CHUNK, window.prompt - prompt)
