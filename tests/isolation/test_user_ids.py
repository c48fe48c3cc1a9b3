"""A user id is compared exactly, and must be plain text."""

import unicodedata
from typing import Any

import pytest

from tests.backends import say_options
from tests.isolation.operations import BY_CONFIG, REFUSED, AdaMemory, assert_unchanged
from threadkeep.base.errors import BadInput
from threadkeep.graph.context import Context
from threadkeep.stores.namespaces import user_key

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("user", [1, True, 0, [], {}, {"$ne": ""}, ["ada"], b"ada", "", " ", "*"])
@pytest.mark.parametrize("operation", ["get", "list", "put", "state"])
async def test_a_user_id_that_is_no_text_is_refused(
    ada: AdaMemory, operation: str, user: Any
) -> None:
    with pytest.raises(REFUSED):
        await BY_CONFIG[operation](ada, {"user_id": user})
    await assert_unchanged(ada)


LOOK_ALIKES = [
    "Ada",
    "ADA",
    "аda",  # Cyrillic
    "ａｄａ",  # full width
    "ada\u200b",
    "ada\u0301",
    "ada.",
    "ada/trip",
    "ada:trip",
    "ada\\",
    "ada%",
    "ad_",
    "ada'--",
    "ad",
    "adaa",
    "{ada}",
    "ada\n",
    "ada\0",
]


@pytest.mark.parametrize("user", LOOK_ALIKES)
async def test_a_user_id_that_only_looks_alike_is_another_user(ada: AdaMemory, user: str) -> None:
    with pytest.raises(REFUSED):
        await ada.saver.aget_tuple(ada.config(user_id=user))
    normal = unicodedata.normalize("NFC", user)
    assert await user_key(ada.memory.opened.store, normal) != ada.owner
    try:
        context = Context(user_id=user)
    except BadInput:
        return
    turn = await ada.memory.say(
        "What does the vault open with?", thread="trip", **say_options(context)
    )
    await turn.finished()
    assert "4711" not in turn.reply
    assert turn.memories == []
    await assert_unchanged(ada)


async def test_two_spellings_of_one_name_are_one_user(ada: AdaMemory) -> None:
    composed, parts = "Zoë", unicodedata.normalize("NFD", "Zoë")
    turn = await ada.memory.say("I live in Bergen.", thread="trip", user_id=composed)
    await turn.finished()
    turn = await ada.memory.say("Where do I live?", thread="trip", user_id=parts)
    await turn.finished()
    assert "Bergen" in turn.reply
