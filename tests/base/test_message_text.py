from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from threadkeep.base.media import REFERENCE, media_of
from threadkeep.base.message_text import EMPTY_RESULT, text_of, transcript_of, words_of
from threadkeep.base.tokens import count_message

DATA = "QUJD" * 100_000
"""Base64 of 300,000 bytes."""
PICTURES: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "image", "base64": DATA, "mime_type": "image/png"},
        "[image image/png, 0.3 MB]",
    ),
    (
        {"type": "image_url", "image_url": {"url": f"data:image/webp;base64,{DATA}"}},
        "[image image/webp, 0.3 MB]",
    ),
    (
        {"type": "image_url", "image_url": f"data:image/png;base64,{DATA}"},
        "[image image/png, 0.3 MB]",
    ),
    (
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        "[image https://example.org/cat.png]",
    ),
    (
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/gif", "data": DATA},
        },
        "[image image/gif, 0.3 MB]",
    ),
    (
        {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"},
        "[image image/png, 0.3 MB]",
    ),
    ({"type": "image", "base64": "iVBORw0K"}, "[image image/png, 6 B]"),
    (
        {"type": "image", "base64": f"{REFERENCE}{'ab' * 32}:12000", "mime_type": "image/png"},
        "[image image/png, 12 kB]",
    ),
]
OTHERS: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "mp3"}},
        "[audio audio/mp3, 0.3 MB]",
    ),
    (
        {"type": "audio", "base64": DATA, "mime_type": "audio/wav"},
        "[audio audio/wav, 0.3 MB]",
    ),
    (
        {"type": "video", "base64": DATA, "mime_type": "video/mp4"},
        "[video video/mp4, 0.3 MB]",
    ),
    (
        {
            "type": "file",
            "file": {"file_data": f"data:application/pdf;base64,{DATA}", "filename": "report.pdf"},
        },
        "[file report.pdf application/pdf, 0.3 MB]",
    ),
    (
        {
            "type": "document",
            "title": "Report",
            "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
        },
        "[file Report application/pdf, 0.3 MB]",
    ),
    ({"type": "media", "mime_type": "audio/ogg", "data": b"abc"}, "[audio audio/ogg, 3 B]"),
    ({"type": "file", "file_id": "file-1"}, "[file file-1]"),
]


@pytest.mark.parametrize(("block", "label"), PICTURES + OTHERS)
def test_a_message_without_words_has_a_label_for_its_text(
    block: dict[str, Any], label: str
) -> None:
    assert text_of(HumanMessage([block])) == label
    assert text_of(ToolMessage([block], tool_call_id="c")) == label
    assert words_of(HumanMessage([block])) == ""


@pytest.mark.parametrize(("block", "label"), PICTURES + OTHERS)
def test_words_come_before_the_labels_of_a_transcript(block: dict[str, Any], label: str) -> None:
    message = HumanMessage([block, {"type": "text", "text": "Look at this."}])
    assert text_of(message) == "Look at this."
    assert transcript_of(message) == f"Look at this.\n{label}"


@pytest.mark.parametrize("block", [block for block, _ in PICTURES + OTHERS])
def test_tokens_do_not_grow_with_the_length_of_base64(block: dict[str, Any]) -> None:
    assert count_message(HumanMessage([block])) < 2_000


@pytest.mark.parametrize("content", ["", "  \n", [], [{"type": "text", "text": ""}]])
def test_an_empty_result_has_a_text(content: Any) -> None:
    assert text_of(ToolMessage(content, tool_call_id="c")) == EMPTY_RESULT
    assert text_of(AIMessage(content)).strip() == ""


def test_results_of_unknown_kinds_become_json() -> None:
    message = ToolMessage([{"type": "json", "json": {"rain": 4}}], tool_call_id="c")
    assert text_of(message) == '{"type":"json","json":{"rain":4}}'


BLOCKS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "image_url", "url", "source", "data", "base64", "file", "id"])
            | st.text(max_size=5),
            inner | st.sampled_from(["image", "file", "image_url", "data:,", "data:a;base64,QQ=="]),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(BLOCKS)
def test_no_block_raises(block: object) -> None:
    media = media_of(block)
    assert media is None or (media.label and media.tokens and media.block)
