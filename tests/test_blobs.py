"""Pictures and files are kept once, by digest, beside the items."""

import base64
import io
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from tests.backends import BACKENDS, fresh_database
from tests.erase.helpers import grep
from threadkeep.base.database_url import parse_database
from threadkeep.base.media import REFERENCE
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.data_references import (
    digests_in,
    reference_of,
    with_data,
    without_data,
)
from threadkeep.checkpoints.erasing import raw_values_of
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import blob_uses_of, blobs_of, user_key
from threadkeep.stores.pages import count_items, items_in
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.restore import restore_export

BYTES = 300_000


def picture(seed: int) -> str:
    return base64.b64encode(random.Random(seed).randbytes(BYTES)).decode()


def blocks(data: str) -> list[dict[str, Any]]:
    """Return the same data in the blocks of several providers."""
    return [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "base64": data, "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}"}},
        {"type": "video", "base64": data, "mime_type": "video/mp4"},
        {"type": "media", "mime_type": "image/png", "data": base64.b64decode(data)},
    ]


@pytest_asyncio.fixture(params=BACKENDS)
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


async def send(memory: Memory, thread: str, *messages: AnyMessage, user: str = "ada") -> None:
    ref = await memory.thread(thread, user_id=user)
    context = await memory.context(thread, {"max_tokens": 64_000}, user_id=user)
    with acting_as(user):
        await memory.graph.ainvoke(
            {"messages": list(messages)}, ref.config(), context=context, durability="sync"
        )


async def state(memory: Memory, thread: str, user: str = "ada") -> list[AnyMessage]:
    ref = await memory.thread(thread, user_id=user)
    messages: list[AnyMessage] = (await memory.graph.aget_state(ref.config())).values["messages"]
    return messages


async def checkpoint_bytes(memory: Memory, thread: str, user: str = "ada") -> int:
    ref = await memory.thread(thread, user_id=user)
    saver = memory.opened.inner_saver
    return sum([len(value) async for value in raw_values_of(saver, ref.id)])


async def count_blobs(memory: Memory, user: str = "ada") -> int:
    return await count_items(memory.opened.store, blobs_of(await user_key(memory.store, user)))


async def test_checkpoints_hold_no_data_and_readers_see_all_of_it(memory: Memory) -> None:
    data = picture(1)
    message = HumanMessage([{"type": "text", "text": "Look."}, *blocks(data)], id="h1")
    call = AIMessage("", id="a1", tool_calls=[{"name": "see", "args": {}, "id": "c1"}])
    result = ToolMessage([blocks(data)[1]], artifact={"raw": [data]}, tool_call_id="c1", id="r1")
    await send(memory, "album", message, call, result, HumanMessage("And?", id="h2"))
    for number in range(3):
        await send(memory, "album", HumanMessage(f"Line {number}.", id=f"n{number}"))
    messages = await state(memory, "album")
    assert messages[0] == message
    assert messages[2] == result
    assert isinstance(messages[2], ToolMessage)
    assert messages[2].artifact == {"raw": [data]}
    assert await checkpoint_bytes(memory, "album") < BYTES
    assert await count_blobs(memory) == 1


async def test_an_update_of_the_state_and_a_fork_keep_the_data_once(memory: Memory) -> None:
    data = picture(2)
    await send(memory, "one", HumanMessage("Hello.", id="h1"))
    update = HumanMessage([blocks(data)[0]], id="h2")
    await memory.update_state("one", {"messages": [update]}, "store_turn", user_id="ada")
    await memory.fork("one", "two", user_id="ada")
    assert (await state(memory, "two"))[-1] == update
    assert await checkpoint_bytes(memory, "two") < BYTES
    assert await count_blobs(memory) == 1
    with acting_as("ada"):
        await memory.delete_thread("one")
    assert (await state(memory, "two"))[-1] == update
    with acting_as("ada"):
        await memory.delete_thread("two")
    assert await count_blobs(memory) == 0


async def test_an_erasure_deletes_what_is_used_nowhere_else(memory: Memory) -> None:
    shared, own = picture(3), picture(4)
    await send(memory, "one", HumanMessage([blocks(shared)[0], blocks(own)[1]], id="h1"))
    await send(memory, "two", HumanMessage([blocks(shared)[2]], id="h2"))
    await send(memory, "one", HumanMessage([blocks(shared)[0]], id="b1"), user="bob")
    assert (await count_blobs(memory), await count_blobs(memory, "bob")) == (2, 1)
    with acting_as("ada"):
        receipt = await memory.forget(Target(kind="message", name="h1"), verify=True)
    assert receipt.removed["pictures and files"] == 1
    assert receipt.found == []
    assert await count_blobs(memory) == 1
    assert (await state(memory, "two"))[0].content == [blocks(shared)[2]]
    with acting_as("ada"):
        receipt = await memory.forget(Target(kind="user"), verify=True)
    assert receipt.found == []
    assert (await count_blobs(memory), await count_blobs(memory, "bob")) == (0, 1)
    assert (await state(memory, "one", "bob"))[0].content == [blocks(shared)[0]]


async def test_no_file_contains_a_piece_of_an_erased_picture(tmp_path: Path) -> None:
    data = picture(5)
    piece = data[len(data) // 2 :][:40]
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await send(memory, "one", HumanMessage([blocks(data)[0]], id="h1"))
        assert grep(tmp_path, piece)
        with acting_as("ada"):
            await memory.delete_thread("one")
        assert grep(tmp_path, piece) == []


async def test_an_export_holds_each_picture_once_and_a_restore_brings_it_back(
    memory: Memory, tmp_path: Path
) -> None:
    data = picture(6)
    message = HumanMessage([*blocks(data)[:2], {"type": "text", "text": "Look."}], id="h1")
    await send(memory, "one", message)
    await memory.fork("one", "two", user_id="ada")
    with acting_as("ada"):
        lines = [line async for line in export_user(memory.opened, "ada")]
        single = [line async for line in export_user(memory.opened, "ada", thread="one")]
    assert "".join(lines).count(data) == "".join(single).count(data) == 1
    settings = Settings(home=tmp_path / "other", model="offline")
    async with open_memory(settings) as other:
        for export in (lines, lines):
            file = io.BytesIO("".join(export).encode())
            summary = validate_export(file, "export")
            with acting_as("eve"):
                await restore_export(other.opened, file, summary, "eve")
        for thread in ("one", "two"):
            assert (await state(other, thread, "eve"))[0] == message
        assert await count_blobs(other, "eve") == 1
        owner = await user_key(other.store, "eve")
        ref = await other.thread("one", user_id="eve")
        uses = [i.key async for i in items_in(other.opened.store, blob_uses_of(owner, ref.id))]
        assert len(uses) == 1


async def test_one_users_reference_never_shows_another_users_picture(tmp_path: Path) -> None:
    data = picture(7)
    reference = reference_of(data)
    assert reference
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await send(memory, "one", HumanMessage([blocks(data)[1]], id="h1"))
        forged = {"type": "image", "base64": reference.text, "mime_type": "image/png"}
        await send(memory, "one", HumanMessage([forged], id="e1"), user="eve")
        assert (await state(memory, "one", "eve"))[0].content == [forged]
        await send(memory, "one", HumanMessage([forged], id="h2"))
        assert (await state(memory, "one"))[-2].content == [blocks(data)[1]]


async def test_a_message_that_is_only_a_picture_has_a_text_in_the_store(memory: Memory) -> None:
    await send(memory, "one", HumanMessage([blocks(picture(8))[0]], id="h1"))
    rows = await memory.messages("one", user_id="ada")
    assert rows[0]["text"] == "[image image/png, 0.3 MB]"


DATA = st.binary(min_size=800, max_size=2_000).map(lambda content: base64.b64encode(content))
LONG = DATA.map(bytes.decode) | DATA.map(lambda d: f"data:a/b;base64,{d.decode()}") | DATA
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | LONG,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["data", "text", "content", "source", "a"]), inner)
    ),
    max_leaves=9,
)


@given(VALUES)
def test_data_comes_back_as_it_was_and_is_never_changed_in_place(value: Any) -> None:
    data: dict[str, str] = {}

    def collect(content: str | bytes) -> Any:
        reference = reference_of(content)
        if reference:
            data[reference.digest] = reference.data
        return reference

    before = repr(value)
    new = without_data(value, collect)
    assert repr(value) == before
    assert digests_in(new) == set(data)
    assert with_data(new, data) == value
    if not data:
        assert new is value


@pytest.mark.parametrize("text", ["x" * 3_000, "-_" * 1_000, "QUJD" * 500 + "=", "QUJD" * 500])
def test_text_that_looks_like_base64_comes_back_too(text: str) -> None:
    reference = reference_of(text)
    assert reference
    assert reference.text.startswith(REFERENCE)
    assert with_data([reference.text], {reference.digest: reference.data}) == [text]
