"""Each bearer token belongs to one user; the store holds digests that no user can read."""

import pytest

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.stores.access_tokens import (
    TOKENS,
    add_token,
    list_tokens,
    revoke_tokens,
    tokens_were_made,
    user_of_token,
)
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.owned import OwnedStore


async def test_a_token_identifies_its_user_until_it_is_revoked(home: Settings) -> None:
    async with open_store(home) as store:
        assert not await tokens_were_made(store)
        first, second = await add_token(store, "ada"), await add_token(store, "ada")
        other = await add_token(store, "bob")
        assert [await user_of_token(store, token) for token in (first, second, other)] == [
            "ada",
            "ada",
            "bob",
        ]
        assert [token.user for token in await list_tokens(store)].count("ada") == 2
        assert await revoke_tokens(store, "ada") == 2
        assert [await user_of_token(store, token) for token in (first, second, other)] == [
            None,
            None,
            "bob",
        ]
        await revoke_tokens(store, "bob")
        assert await tokens_were_made(store)
    async with open_store(home) as store:
        assert await user_of_token(store, other) is None


@pytest.mark.parametrize(
    "text",
    ["", "tk", "tk_", "tk__", "x_y_z", "tk_' OR 1_x", "tk_0_" + "x" * 100_000, "tk_é_\ud800"],
)
async def test_an_invalid_token_has_no_user(home: Settings, text: str) -> None:
    async with open_store(home) as store:
        token = await add_token(store, "ada")
        assert await user_of_token(store, text) is None
        assert await user_of_token(store, token.replace("tk_", "")) is None
        assert await user_of_token(store, token[:-1]) is None


async def test_tokens_are_stored_as_digests_that_no_user_can_read(home: Settings) -> None:
    async with open_store(home) as store:
        token = await add_token(store, "ada")
        with acting_as("ada"), pytest.raises(AccessRefused):
            await OwnedStore(store).asearch(TOKENS)
        with pytest.raises(BadInput):
            await add_token(store, " ")
        records = await store.asearch(TOKENS)
    assert token.rpartition("_")[2] not in str(records)
