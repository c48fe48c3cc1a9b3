from collections import Counter

import pytest
from langgraph.pregel.remote import RemoteException

from threadkeep.base.errors import RemoteServerFailed, ThreadkeepError
from threadkeep.models import faults
from threadkeep.remote_errors import remote_errors

MESSAGE = "api.example.com failed with status 503; try again in a moment."


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        ("ServerFailed", 4),
        ("RateLimited", 4),
        ("KeyRefused", 3),
        ("StorageFailed", 5),
        ("BadInput", 2),
        ("ThreadBusy", 1),
        ("InternalError", 1),
    ],
)
async def test_a_run_that_failed_at_a_server_exits_like_one_without_a_server(
    name: str, exit_code: int
) -> None:
    with pytest.raises(RemoteServerFailed, match="503") as raised:
        async with remote_errors("http://127.0.0.1:8000"):
            raise RemoteException({"error": name, "message": MESSAGE})
    assert raised.value.exit_code == exit_code


def test_no_two_errors_share_a_name() -> None:
    assert issubclass(faults.ModelFault, ThreadkeepError)
    classes: list[type[ThreadkeepError]] = [ThreadkeepError]
    for error_class in classes:
        classes += error_class.__subclasses__()
    names = Counter(error_class.__name__ for error_class in {*classes})
    assert [name for name, count in names.items() if count > 1] == []
