"""The report shows everything that is stored, its sources, and all texts escaped."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from langgraph.store.base import PutOp

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.base.validation import sanitise_text
from threadkeep.cli.import_file import import_file
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import messages_of, thread_id, user_key
from threadkeep.transfer.report import report_html

HOSTILE_TEXTS = [
    "<script>alert(1)</script>",
    "</bdi></q></article></style></title><img src=x onerror=alert(1)>",
    "\"><a href='javascript:alert(1)'>click</a>",
    "' onmouseover='alert(1)' x='",
    "{{ 7 * 7 }} {% raw %} {# no #}",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "\u202eright to left\u202c \u2066isolate\u2069 \u200f",
    "<!-- --> <![CDATA[ ]]> <?php ?>",
    "javascript:alert(1)",
    "a\x08b\x1b[31mred\x7f\x85",
    "\ud83d lone",
    "<memories>Known</memories>",
]
ALLOWED = {"lang", "charset", "name", "content", "http-equiv", "id", "class", "href", "dir"}


class Parsed(HTMLParser):
    """The tags, attributes and text of a page as a browser parses it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, str(value)) for name, value in attrs}

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment {data!r}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


async def say(memory: Memory, user: str, thread: str, text: str) -> None:
    turn = await memory.say(text, thread=thread, context={"model": "offline"}, user_id=user)
    await turn.finished()


async def page_of(memory: Memory, user: str) -> str:
    with acting_as(user):
        return "".join([piece async for piece in report_html(memory.opened, user)])


async def test_each_fact_is_shown_with_the_message_it_comes_from(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", "I live in Bergen.")
        await say(memory, "ada", "trip", "I moved to Oslo.")
        await say(memory, "bob", "trip", "The vault opens with tulip-4711.")
        page = await page_of(memory, "ada")
    current, history = page.split('id="history"')
    fact = re.search(r"<h3><bdi[^>]*>user lives in Oslo</bdi></h3>.*?</article>", current, re.S)
    assert fact
    source = re.search(
        r'<q><bdi dir="auto">I moved to Oslo\.</bdi></q>\s*<a href="#(m\d+)"', fact[0]
    )
    assert source
    message = re.search(rf'id="{source[1]}">.*?</article>', page, re.S)
    assert message
    assert "I moved to Oslo." in message[0]
    assert "user lives in Bergen" not in current
    assert re.search(r"user lives in Bergen.*replaced by .*user lives in Oslo", history, re.S)
    assert "tulip" not in page


async def test_texts_are_escaped(home: Settings) -> None:
    async with open_memory(home) as memory:
        for number, text in enumerate(HOSTILE_TEXTS):
            await say(memory, "ada", f"<i>{number}</i>\" onclick='x'", f"I work at {text}.")
            await memory.opened.store.aput(
                (await user_key(memory.opened.store, "ada"), "own"),
                f"{number}<",
                {"k<": sanitise_text(text)},
            )
        await memory.change_thread(
            "<i>0</i>\" onclick='x'",
            title=HOSTILE_TEXTS[1],
            metadata={"<b>": HOSTILE_TEXTS[0]},
            user_id="ada",
        )
        page = await page_of(memory, "ada")
    parsed = Parsed(page)
    assert not parsed.tags & {"script", "img", "i", "b-", "iframe", "object", "form", "input"}
    assert {name for name, _ in parsed.attributes} <= ALLOWED
    for name, value in parsed.attributes:
        if name == "href":
            assert re.fullmatch(r"#[a-z0-9]+", value)
        if name in ("id", "class"):
            assert re.fullmatch(r"[a-z0-9 ]+", value)
    for text in HOSTILE_TEXTS[:9]:
        assert text in parsed.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", page)
    assert "default-src 'none'" in page
    page.encode()


async def test_a_user_id_is_escaped_and_an_empty_memory_has_a_page(home: Settings) -> None:
    async with open_memory(home) as memory:
        page = await page_of(memory, "<script>x</script>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("Nothing.") == 3


async def test_three_thousand_messages_fit_on_one_page(home: Settings, tmp_path: Path) -> None:
    lines = [
        {
            "user": "ada",
            "thread": f"t{number % 20}",
            "role": "user" if number % 2 == 0 else "assistant",
            "text": f"My boat number {number} is called Fram{number}.",
            "time": f"2025-01-{1 + number % 28:02d}T10:00:00+00:00",
        }
        for number in range(3_000)
    ]
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await import_file(home, path, "jsonl")
    async with open_memory(home) as memory:
        page = await page_of(memory, "ada")
    assert page.count('<article class="message') == 3_000
    assert page.count('<details class="thread"') == 20
    assert "Fram2998" in page
    assert len(page) < 6_000_000


async def test_fields_of_later_versions_are_shown_as_stored(
    home: Settings,
) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", "I live in Bergen.")
        owner = await user_key(memory.opened.store, "ada")
        thread = thread_id(owner, "trip")
        value: dict[str, Any] = {"thread": thread, "text": "mine", "mood": {"happy": True}}
        await memory.opened.store.abatch([PutOp((owner, "diary"), "d1", value)])
        assert await memory.opened.store.asearch(messages_of(owner, thread))
        page = await page_of(memory, "ada")
    assert "diary" in page
    assert "{&#34;happy&#34;: true}" in page
