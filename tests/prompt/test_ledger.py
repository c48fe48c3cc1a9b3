"""The ledger of the context window, the reported usage, and the billed usage."""

import pytest
from langgraph.store.memory import InMemoryStore

from benchmarks.scripted_thread import open_scripted, prompt_tokens
from threadkeep.models.faults import ContextOverflow
from threadkeep.prompt.ledger import PARTS
from threadkeep.stores.namespaces import user_key
from threadkeep.stores.usage import group_usage, read_usage
from threadkeep.testing import Fault, Reply, Usage

LONG_TEXT = "We spoke at length about the weather over the harbour, and agreed on little else. " * 3


async def test_the_ledger_holds_every_part_and_the_reported_usage() -> None:
    async with open_scripted() as thread:
        thread.replies = lambda request: Reply(
            "Noted.", usage=Usage(prompt=prompt_tokens(request), completion=2, cached=32)
        )
        await thread.say("I live in Bergen.")
        ledger = (await thread.say("Where do I live?"))["ledger"]
    assert ledger["reported"] == {"prompt": ledger["prompt"], "reply": 2, "cached": 32}
    assert sum(ledger[part] for part in PARTS) == ledger["prompt"]
    assert ledger["prompt"] + ledger["free"] + ledger["reserve"] == ledger["limit"] == 8_000
    assert ledger["newest"] > 0
    assert ledger["recent"] > 0
    assert (ledger["model"], ledger["exact"]) == ("scripted", False)
    assert ledger["internal"]["extraction"]["calls"] == 1


async def test_recalled_items_are_counted_by_kind() -> None:
    async with open_scripted() as thread:
        thread.extract = lambda request: (
            '{"entities": [{"name": "Miriam", "type": "person", "attributes": []}], "facts": '
            '[{"subject": "Miriam", "predicate": "lives in", "object": "Lisbon", '
            '"valid_from": null}]}'
        )
        await thread.say("Miriam lives in Lisbon.")
        thread.name = "second"
        ledger = (await thread.say("Where is Miriam?"))["ledger"]
    assert all(ledger[part] > 0 for part in ("entities", "facts", "memories"))


async def test_token_counts_are_corrected_by_the_reported_usage() -> None:
    async with open_scripted() as thread:
        thread.context |= {"memory": "buffer", "max_tokens": 2_000, "reserve_tokens": 400}
        thread.replies = lambda request: Reply(
            "Noted.", usage=Usage(prompt=int(1.5 * prompt_tokens(request)), completion=2)
        )
        for _ in range(40):
            ledger = (await thread.say(LONG_TEXT))["ledger"]
        state = await thread.state()
        assert 1.4 < state.ratios["scripted"] <= 1.5
        reported_tokens = [
            int(1.5 * prompt_tokens({"messages": prompt})) for prompt in thread.prompts
        ]
        assert reported_tokens[-1] <= 1_600
        assert abs(ledger["prompt"] - reported_tokens[-1]) < 80


async def test_every_call_is_billed_to_the_user_by_thread_and_day_and_purpose() -> None:
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.context |= {"max_tokens": 1_500, "reserve_tokens": 300, "memory": "hybrid"}
        for number in range(20):
            await thread.say(f"{number} {LONG_TEXT}")
        thread.name = "second"
        await thread.say("I live in Bergen.")
        records = await read_usage(store, await user_key(store, "ada"))
        records_of_bob = await read_usage(store, await user_key(store, "bob"))
        requests = thread.server.requests
    by_thread, by_purpose = group_usage(records, "thread"), group_usage(records, "purpose")
    assert set(by_thread) == {"first", "second"}
    assert by_purpose["answer"]["calls"] == by_purpose["extraction"]["calls"] == 21
    assert by_purpose["summary"]["calls"] == len(thread.summaries) > 1
    assert sum(usage["prompt"] for usage in by_purpose.values()) == sum(
        map(prompt_tokens, requests)
    )
    assert len(group_usage(records, "day")) == 1
    assert not any(usage["estimated"] for usage in by_purpose.values())
    assert records_of_bob == []


async def test_a_call_without_reported_usage_is_billed_by_an_estimate() -> None:
    store = InMemoryStore()
    async with open_scripted(store) as thread:
        thread.replies = lambda request: Reply("Noted.", usage=None)
        thread.context |= {"memory": "buffer"}
        ledger = (await thread.say("Hello."))["ledger"]
        (record,) = await read_usage(store, await user_key(store, "ada"))
    assert "reported" not in ledger
    assert record["estimated"] == 1
    assert record["prompt"] == ledger["prompt"]


OVERFLOW = Fault(
    status=400,
    body={
        "error": {
            "message": "This model's maximum context length is 1000 tokens.",
            "code": "context_length_exceeded",
        }
    },
)
OVERFLOW_WITHOUT_LIMIT = Fault(status=400, body={"error": {"message": "prompt is too long"}})


async def test_an_overflow_is_retried_once_with_seventy_percent_of_the_tokens() -> None:
    for fault in (OVERFLOW, OVERFLOW_WITHOUT_LIMIT):
        async with open_scripted() as thread:
            thread.context |= {"max_tokens": 1_500, "reserve_tokens": 300, "memory": "progressive"}
            for number in range(6):
                await thread.say(f"{number} {LONG_TEXT}")
            prompts_before = len(thread.prompts)
            thread.server.script(fault)
            output = await thread.say("And what now?")
            assert output["messages"][-1].text == "Noted."
            assert len(thread.prompts) == prompts_before + 2
            first, second = thread.prompts[-2:]
            limit = 0.7 * prompt_tokens({"messages": first})
            assert prompt_tokens({"messages": second}) <= limit
            assert second[-1] == first[-1]
            # The dropped messages are quoted, and the next turn does not overflow again.
            assert "# Quoted" in second[1]["content"]
            await thread.say("Go on.")
            assert len(thread.prompts) == prompts_before + 3
            assert prompt_tokens({"messages": thread.prompts[-1]}) <= limit


async def test_a_second_overflow_is_an_error() -> None:
    async with open_scripted() as thread:
        thread.server.script(OVERFLOW_WITHOUT_LIMIT, OVERFLOW_WITHOUT_LIMIT, OVERFLOW_WITHOUT_LIMIT)
        with pytest.raises(ContextOverflow, match="context window"):
            await thread.say(LONG_TEXT)
        assert len(thread.prompts) == 2


ROLES_MUST_ALTERNATE = Fault(
    status=400,
    body={"error": {"message": "Conversation roles must alternate user/assistant/user/..."}},
)


async def test_a_server_that_requires_alternating_roles_gets_merged_messages() -> None:
    async with open_scripted() as thread:
        thread.context["memory"] = "vector"
        await thread.say("The gate code is 4711.")
        thread.name = "second"
        thread.server.script(ROLES_MUST_ALTERNATE)
        await thread.say("What is the gate code?")
        first, second = thread.prompts[-2:]
        assert [message["role"] for message in first] == ["system", "user", "user"]
        assert [message["role"] for message in second] == ["system", "user"]
        assert second[1]["content"] == f"{first[1]['content']}\n\n{first[2]['content']}"
        await thread.say("And again?")
        assert [message["role"] for message in thread.prompts[-1]] == [
            "system",
            "user",
            "assistant",
            "user",
        ]
