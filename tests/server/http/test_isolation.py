"""Many users at once on two server processes and one PostgreSQL: no secret leaks."""

from benchmarks.isolation import leaked_into, measure, met_by
from tests.backends import POSTGRES, need


async def test_no_secret_of_many_concurrent_users_reaches_another() -> None:
    need("postgres", POSTGRES)
    figures = await measure(users=16, turns=2, servers=2)
    assert figures["turns"] == 32
    assert figures["prompts"] >= 32
    assert all(met_by(figures).values()), figures


def test_a_secret_in_the_prompt_of_another_user_is_detected() -> None:
    from benchmarks.isolation import User

    ada, bob = User("user-1", "", []), User("user-2", "", [])
    users = {user.name: user for user in (ada, bob)}
    assert not leaked_into(f"You serve user-1. {ada.secret}", users)
    assert leaked_into(f"You serve user-1. {bob.secret}", users)
    assert leaked_into(f"{ada.secret} {bob.secret}", users)
