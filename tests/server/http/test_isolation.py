"""Many users at once on two server processes and one PostgreSQL: nobody's secret leaves them."""

from benchmarks.isolation import leaked_into, measure, met_by
from tests.backends import POSTGRES, need


async def test_of_many_users_at_once_nobodys_secret_reaches_another() -> None:
    need("postgres", POSTGRES)
    figures = await measure(users=16, turns=2, servers=2)
    assert figures["turns"] == 32
    assert figures["prompts"] >= 32
    assert all(met_by(figures).values()), figures


def test_a_secret_in_anothers_prompt_would_be_seen() -> None:
    from benchmarks.isolation import User

    ada, bob = User("user-1", "", []), User("user-2", "", [])
    known = {user.name: user for user in (ada, bob)}
    assert not leaked_into(f"You serve user-1. {ada.secret}", known)
    assert leaked_into(f"You serve user-1. {bob.secret}", known)
    assert leaked_into(f"{ada.secret} {bob.secret}", known)
