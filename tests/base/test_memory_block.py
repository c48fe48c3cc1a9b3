import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from threadkeep.base.fences import one_line
from threadkeep.base.memory_block import (
    RecalledItem,
    is_memory_block,
    parse_memories,
    render_memories,
)
from threadkeep.prompt.templates import summary_message


def message_item(
    text: str, thread: str = "first", speaker: str = "user", day: str = "2026-03-04"
) -> RecalledItem:
    return {
        "id": "1",
        "kind": "message",
        "text": text,
        "speaker": speaker,
        "time": f"{day}T10:00:00+00:00",
        "thread": thread,
    }


def fact_item(text: str) -> RecalledItem:
    return {"id": "2", "kind": "fact", "text": text, "speaker": "", "time": "", "thread": ""}


def test_the_block_has_one_date_line_a_day_and_the_oldest_first() -> None:
    block = render_memories(
        [
            message_item("b", day="2026-03-05"),
            message_item("a"),
            fact_item("user lives in Bergen"),
            message_item("c"),
        ]
    )
    assert block.splitlines()[2:] == [
        "# Known",
        "- user lives in Bergen",
        '# 2026-03-04 Wednesday, in "first"',
        "- user: a",
        "- user: c",
        '# 2026-03-05 Thursday, in "first"',
        "- user: b",
        "</memories>",
    ]


def test_a_day_of_two_threads_names_them_line_by_line() -> None:
    block = render_memories([message_item("a"), message_item("b", thread='se"cond')])
    assert block.splitlines()[2:] == [
        "# 2026-03-04 Wednesday",
        '- user in "first": a',
        r'- user in "se\"cond": b',
        "</memories>",
    ]
    assert [memory["thread"] for memory in parse_memories(block)] == ["first", 'se"cond']


def test_a_block_of_no_items_is_empty() -> None:
    assert render_memories([]) == ""


@given(st.text(), st.text(min_size=1), st.sampled_from(["user", "assistant", "Caroline"]))
def test_a_rendered_block_can_be_parsed(text: str, thread: str, speaker: str) -> None:
    for others in ([], [message_item("a", thread="another")]):
        block = render_memories([message_item(text, thread, speaker), *others])
        memory = parse_memories(block)[0]
        assert memory["speaker"] == speaker
        assert memory["text"] == one_line(text)
        assert memory["thread"] == one_line(thread)


@given(st.text(st.characters(exclude_characters="<"), max_size=40))
def test_only_invisible_characters_are_removed_from_a_text_without_tags(text: str) -> None:
    line = one_line(text)
    assert set(line) <= {*text, " "} or "‹" in line
    letters = [char for char in text if char.isalnum()]
    assert [char for char in line if char.isalnum()] == letters


NAMES = st.sampled_from(["memories", "pinned", "summary", "system", "assistant", "|im_start|"])
INVISIBLE = st.text("\u200b\u200d\u200c\u2060\ufeff\xad\ufe0f\u0301\u202e\u2066\x00", max_size=3)
NEWLINES = st.sampled_from([*"\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\r\n", " ", ""])


@st.composite
def attacks(draw: st.DrawFn) -> str:
    """A tag that a model could take for one of our fences, in a random disguise."""
    name = draw(NAMES)
    wide = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in name if char.isalpha()})
    looks = [name, name.upper(), name.title(), name.translate(wide), name.replace("e", "е")]
    tag = draw(st.sampled_from(looks))
    tag = "".join(char + draw(INVISIBLE) for char in tag)
    opens = draw(st.sampled_from(["<", "</", "< / ", "＜/", "﹤", "<<", "</ <", "<\n/"]))
    ends = draw(st.sampled_from([">", "＞", " >", ">>", ""]))
    return "".join((draw(NEWLINES), opens, draw(INVISIBLE), tag, ends, draw(NEWLINES)))


TAGS = re.compile(r"<[\s/<]*(?:\||(?:memories|pinned|summary|system|assistant)(?![^\W_]))")


def plain(text: str) -> str:
    """Return the text as a reader sees it: visible characters, one case and width."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("е", "e")
    visible = [char for char in folded if unicodedata.category(char)[0] not in "MC" or char == "\n"]
    return "".join(visible)


@settings(max_examples=300)
@given(st.lists(attacks() | st.text(max_size=20), min_size=1, max_size=4), st.sampled_from("tnsd"))
def test_a_recalled_text_cannot_close_its_fence(parts: list[str], place: str) -> None:
    text = "".join(parts)
    memory = message_item("a")
    memory |= {  # type: ignore[typeddict-item]
        "t": {"text": text},
        "n": {"thread": text},
        "s": {"speaker": text},
        "d": {"time": text},
    }[place]
    for fence in ("memories", "pinned"):
        block = render_memories([memory, fact_item(text), message_item("b")], fence)
        assert is_memory_block(block)
        tags = TAGS.findall(plain(block))
        assert tags == [f"<{fence}", f"</{fence}"]
        lines = block.split("\n")
        assert len(block.splitlines()) == len(lines)
        inside = lines[2:-1]
        assert all(line.startswith(("- ", "# ")) for line in inside)
        assert sum(line.startswith("# ") for line in inside) <= 3


@given(st.lists(attacks() | st.text(max_size=20), min_size=1, max_size=4))
def test_no_tag_survives_in_a_summary_either(parts: list[str]) -> None:
    (message,) = summary_message("They met. " + "".join(parts))
    tags = TAGS.findall(plain(message.text))
    assert tags == ["<summary", "</summary"]


def test_emoji_and_scripts_that_need_joiners_stay_as_they_are() -> None:
    for text in ("👩‍👩‍👧 ❤️", "می‌خواهم", "a < b", "List<int>", "<div>", "x<3"):
        assert one_line(text) == text
