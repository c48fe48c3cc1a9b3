"""No operation gives a user the memory of another one."""

import pytest

from tests.isolation.operations import (
    BY_ACTING_USER,
    BY_CONFIG,
    OPERATIONS,
    AdaMemory,
    assert_unchanged,
)
from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import acting_as

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_another_user_is_refused(ada: AdaMemory, operation: str) -> None:
    if operation in BY_CONFIG:
        for run in ({"user_id": "bob"}, {"langgraph_auth_user_id": "bob"}):
            with pytest.raises(AccessRefused):
                await BY_CONFIG[operation](ada, run)
    else:
        with acting_as("bob"), pytest.raises(AccessRefused):
            await BY_ACTING_USER[operation](ada, {})
    await assert_unchanged(ada)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_call_without_a_user_is_refused(ada: AdaMemory, operation: str) -> None:
    with pytest.raises(AccessRefused, match="Nobody is asking"):
        await OPERATIONS[operation](ada, {})
    await assert_unchanged(ada)


@pytest.mark.parametrize("operation", BY_CONFIG)
async def test_a_caller_who_names_another_user_is_refused(ada: AdaMemory, operation: str) -> None:
    for run in (
        {"langgraph_auth_user_id": "bob", "user_id": "ada"},
        {"langgraph_auth_user_id": "ada", "user_id": "bob"},
    ):
        with pytest.raises(AccessRefused):
            await BY_CONFIG[operation](ada, run)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await BY_CONFIG[operation](ada, {"user_id": "ada"})
    await assert_unchanged(ada)
