import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from threadkeep.base import tokens
from threadkeep.base.media import IMAGE_TOKENS, IMAGE_TOKENS_LOW
from threadkeep.base.token_encoding import PIECE, RANKS, encode, read_ranks, warm

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=400) | st.text(" \n.a", max_size=400)


def ai(*calls: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=[{"type": "tool_call", "id": "c1", **call} for call in calls])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("hello world", [24912, 2375]),
        ("tiktoken is great!", [83, 8251, 2488, 382, 2212, 0]),
        ("antidisestablishmentarianism", [493, 129901, 376, 160388, 21203, 2367]),
        ("お誕生日おめでとう", [8930, 9697, 243, 128225, 8930, 17693, 4344, 48669]),
    ],
)
def test_tokens_are_the_published_ones(text: str, expected: list[int]) -> None:
    assert encode(text) == expected
    assert tokens.count_text(text) == len(expected)


def test_text_that_looks_like_a_special_token_is_ordinary_text() -> None:
    assert tokens.count_text("<|endoftext|>") > 1
    assert tokens.count_text("<|endofprompt|>") > 1


def test_counting_needs_no_network_and_no_cache_folder() -> None:
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = refuse\n"
        "from threadkeep.base.tokens import count_text\n"
        "print(count_text('hello world'))\n"
    )
    env = {"TIKTOKEN_CACHE_DIR": "/nonexistent", "PYTHONPATH": "."}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (run.stdout, run.returncode) == ("2\n", 0), run.stderr


def test_damaged_ranks_are_refused() -> None:
    raw = gzip.decompress(files("threadkeep.base").joinpath(RANKS).read_bytes())
    assert len(read_ranks(raw)) == 199_998
    with pytest.raises(RuntimeError, match="damaged"):
        read_ranks(raw.replace(b"IQ== 0", b"IQ== 1", 1))


def test_many_threads_load_the_ranks_once() -> None:
    threads = [threading.Thread(target=warm) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens.count_text("hello world") == 2


@pytest.mark.parametrize("character", [" ", "a", "^", "\n", "あ", "1"])
def test_a_very_long_run_of_one_character_is_counted(character: str) -> None:
    assert tokens.count_text(character * 2_000_000) > 10_000


def test_a_long_text_has_the_same_tokens_in_pieces() -> None:
    sentence = "Some words, in a row; and a few more."
    words = (sentence + " ") * 4_000
    assert len(words) > 2 * PIECE
    assert tokens.count_text(words) == tokens.count_text(
        "Some words, in a row; and a few more."
    ) + (3_999 * tokens.count_text(" " + sentence) + 1)


def test_a_message_costs_its_frame_its_role_and_its_text() -> None:
    message = HumanMessage("hello world")
    assert tokens.count_message(message) == 3 + 1 + 2
    assert tokens.count_messages([message, message]) == 3 + 2 * 6
    assert tokens.count_message(HumanMessage("hello world", name="bob")) == 6 + 1 + 1


def test_tool_calls_and_their_ids_are_counted() -> None:
    plain = tokens.count_message(AIMessage(""))
    call = tokens.count_message(ai({"name": "weather", "args": {"city": "Bergen"}}))
    longer = tokens.count_message(ai({"name": "weather", "args": {"city": "Bergen " * 20}}))
    assert plain < call < longer
    assert tokens.count_message(ToolMessage("rain", tool_call_id="call_abcdef")) > (
        tokens.count_message(ToolMessage("rain", tool_call_id="c"))
    )


def test_a_message_changed_in_place_is_counted_anew() -> None:
    message = HumanMessage("short", id="one")
    first = tokens.count_message(message)
    message.content = "not so short any more, is it"
    assert tokens.count_message(message) > first


def test_an_image_has_a_fixed_price_however_large_its_data() -> None:
    def image(detail: str, data: str) -> HumanMessage:
        url = {"url": f"data:image/png;base64,{data}", "detail": detail}
        return HumanMessage([{"type": "image_url", "image_url": url}])

    empty = tokens.count_message(HumanMessage(""))
    assert tokens.count_message(image("auto", "A" * 90_000)) - empty == IMAGE_TOKENS
    assert tokens.count_message(image("low", "A")) - empty == IMAGE_TOKENS_LOW


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | TEXTS | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["text", "image", "image_url", "audio", "file", "reasoning", "x", ""])


@given(st.lists(TEXTS | st.fixed_dictionaries({"type": KINDS}, optional={"text": JSON, "x": JSON})))
@settings(deadline=None, max_examples=60)
def test_unknown_content_blocks_never_raise(content: list[Any]) -> None:
    message: BaseMessage = HumanMessage("")
    message.content = content
    assert tokens.count_message(message) >= 4


def test_a_block_that_holds_itself_is_counted() -> None:
    block: dict[str, Any] = {"type": "odd"}
    block["self"] = block
    message = HumanMessage("")
    message.content = [block]
    assert tokens.count_message(message) > 4


def test_no_tools_cost_nothing_and_a_tool_costs_its_schema() -> None:
    schema: Mapping[str, Any] = {"name": "weather", "parameters": {"city": {"type": "string"}}}
    assert tokens.count_tools([]) == 0
    assert tokens.count_tools([schema]) > tokens.TOOLS_OVERHEAD


@given(TEXTS, st.integers(-3, 120))
@settings(deadline=None, max_examples=300)
def test_a_text_cut_in_the_middle_always_fits(text: str, limit: int) -> None:
    cut = tokens.cut_middle(text, limit)
    assert tokens.count_text(cut) <= max(limit, 0)
    if tokens.count_text(text) <= limit:
        assert cut == text


def test_head_and_tail_stay_and_the_cut_is_marked() -> None:
    cut = tokens.cut_middle("first " + "word " * 500 + "last", 40)
    assert cut.startswith("first word")
    assert cut.endswith("word last")
    assert tokens.MARKER in cut
    assert tokens.count_text(cut) >= 38


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("gpt-4o", True),
        ("openai/gpt-4.1-mini", True),
        ("gpt-5-nano", True),
        ("o1", True),
        ("o3-mini", True),
        ("o4-mini", True),
        ("ft:gpt-4o-mini:acme", True),
        ("gpt-4", False),
        ("gpt-4-turbo", False),
        ("gpt-3.5-turbo", False),
        ("gpt-oss-20b", False),
        ("llama3.1", False),
        ("olmo", False),
        ("offline", False),
    ],
)
def test_counts_are_exact_only_for_models_with_this_encoding(name: str, exact: bool) -> None:
    assert tokens.exact_for(name) is exact


def test_the_ratio_follows_what_the_provider_reports() -> None:
    ratio: tokens.Ratio = {}
    assert tokens.apply_ratio(100, tokens.ratio_of(ratio, "llama")) == 100
    for _ in range(30):
        ratio = tokens.learn_ratio(ratio, "llama", 1_000, 1_200)
    assert tokens.apply_ratio(100, tokens.ratio_of(json.loads(json.dumps(ratio)), "llama")) == 120
    assert tokens.ratio_of(ratio, "other") == 1


def test_a_report_of_uncached_tokens_only_is_ignored() -> None:
    assert tokens.learn_ratio({"llama": 1.2}, "llama", 1_000, 30) == {"llama": 1.2}


def test_the_frame_of_a_short_prompt_hardly_moves_the_ratio() -> None:
    assert tokens.ratio_of(tokens.learn_ratio({}, "llama", 20, 80), "llama") < 1.01


@given(st.lists(st.tuples(st.integers(-5, 10_000), st.integers(-5, 10_000))))
def test_the_ratio_stays_between_a_half_and_two(reports: list[tuple[int, int]]) -> None:
    ratio: tokens.Ratio = {}
    for counted, reported in reports:
        ratio = tokens.learn_ratio(ratio, "m", counted, reported)
    assert 0.5 <= tokens.ratio_of(ratio, "m") <= 2


def test_an_invalid_ratio_is_ignored() -> None:
    assert tokens.ratio_of({"m": float("nan")}, "m") == 1
    assert tokens.ratio_of({"m": 1e9}, "m") == 2
