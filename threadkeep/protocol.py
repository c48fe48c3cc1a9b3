"""The operations that a memory has on this machine and behind a server's address alike."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from threadkeep.erase.plan import Target
    from threadkeep.erase.receipt import Receipt
    from threadkeep.knowledge.corrections import CorrectionResult
    from threadkeep.knowledge.explanation import Explanation
    from threadkeep.knowledge.identities import IdentityChange
    from threadkeep.knowledge.pins import Pin
    from threadkeep.knowledge.wording_history import Wording
    from threadkeep.opened import Progress
    from threadkeep.stores.indexing import Progress as RestoreProgress
    from threadkeep.stores.usage import By, Usage
    from threadkeep.transfer.import_conversations import ImportResult
    from threadkeep.transfer.restore import RestoreResult
    from threadkeep.turn import Turn

Row = dict[str, Any]


class MemoryProtocol(Protocol):
    """`Memory` and `RemoteMemory`; each operation is described at `Memory`."""

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""

    async def model_notice(self, context: Mapping[str, Any], *, user_id: str | None = None) -> str:
        """Return a sentence about a model that nobody named and that was found, or nothing."""

    async def say(
        self,
        text: str,
        *,
        thread: str | None = None,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> "Turn":
        """Begin a turn with the user's message."""

    async def recover(self, *, limit: float | None = None, user_id: str | None = None) -> list[str]:
        """Finish the turns that a crash cut off; return a sentence about each."""

    async def unanswered(self, *, user_id: str | None = None) -> list[Row]:
        """Return the threads with messages that got no answer."""

    async def retry(
        self,
        thread: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> "Turn":
        """Send a message of a thread that got no answer again."""

    async def discard(self, thread: str, *, user_id: str | None = None) -> list[str]:
        """Drop the messages of a thread that got no answer; return them."""

    async def undo(self, thread: str, turns: int = 1, *, user_id: str | None = None) -> list[str]:
        """Take back the newest turns; return the user's messages in them."""

    async def fork(
        self, thread: str, new: str, at: int | None = None, *, user_id: str | None = None
    ) -> str:
        """Begin another thread with the first turns of one; return its id."""

    async def threads(self, limit: int = 50, *, user_id: str | None = None) -> list[Row]:
        """Return the threads, the last used first."""

    async def messages(
        self, thread: str, limit: int = 1_000, *, user_id: str | None = None
    ) -> list[Row]:
        """Return the newest messages of a thread, in their order."""

    async def last_thread(self, purpose: str = "", *, user_id: str | None = None) -> str:
        """Return the name of the thread that was used last."""

    async def thread_context(self, thread: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Return the fields of the context that were set for this thread."""

    async def search(self, query: str, limit: int = 10, *, user_id: str | None = None) -> list[Row]:
        """Return what answers a query, the best first."""

    async def facts(
        self,
        limit: int = 100,
        *,
        history: bool = False,
        as_of: str | None = None,
        told_by: str | None = None,
        about: str | None = None,
        user_id: str | None = None,
    ) -> list[Row]:
        """Return the facts that hold, now or at another time."""

    async def entities(self, limit: int = 100, *, user_id: str | None = None) -> list[Row]:
        """Return the people, places and things that are known."""

    async def merge_entities(
        self, name: str, other: str, *, user_id: str | None = None
    ) -> "IdentityChange":
        """Let a name be another name of an entity."""

    async def split_entity(
        self,
        name: str,
        new: str | None = None,
        messages: Sequence[str] = (),
        *,
        user_id: str | None = None,
    ) -> "IdentityChange":
        """Let another name of an entity be an entity of its own."""

    async def undo_entity_change(
        self, change: str, *, user_id: str | None = None
    ) -> "IdentityChange":
        """Take back a merge or a split."""

    async def entity_changes(self, *, user_id: str | None = None) -> "list[IdentityChange]":
        """Return the merges and splits of entities, the oldest first."""

    async def why(self, thread: str | None = None, *, user_id: str | None = None) -> "Explanation":
        """Return what the last answer of a thread rests on."""

    async def correct(
        self, memory_id: str, text: str, *, user_id: str | None = None
    ) -> "CorrectionResult":
        """Let a memory say something else from now on."""

    async def history(self, memory_id: str, *, user_id: str | None = None) -> "list[Wording]":
        """Return what a memory has said."""

    async def pin(
        self,
        memory_id: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> "Pin":
        """Show a memory to the model in every turn."""

    async def unpin(self, memory_id: str, *, user_id: str | None = None) -> str:
        """Show a memory only when it is recalled; return its id."""

    async def pins(
        self, *, context: Mapping[str, Any] | None = None, user_id: str | None = None
    ) -> "list[Pin]":
        """Return what is pinned."""

    async def usage(self, by: "By" = "day", *, user_id: str | None = None) -> "dict[str, Usage]":
        """Return what calls to models took, the total last."""

    async def plan_forget(self, target: "Target", *, user_id: str | None = None) -> list[str]:
        """Return what would go, in lines."""

    async def forget(
        self,
        target: "Target",
        *,
        verify: bool = False,
        progress: "Progress | None" = None,
        user_id: str | None = None,
    ) -> "Receipt":
        """Erase what is named; return the receipt."""

    def export(
        self, thread: str | None = None, *, user_id: str | None = None
    ) -> AsyncIterator[str]:
        """Return all that is kept as JSON lines."""

    def report(self, *, user_id: str | None = None) -> AsyncIterator[str]:
        """Return all that is known as one HTML page."""

    async def restore(
        self,
        file: IO[bytes],
        *,
        name: str = "the export",
        again: bool = False,
        progress: "RestoreProgress | None" = None,
        user_id: str | None = None,
    ) -> "RestoreResult":
        """Take in an export."""

    async def import_file(
        self,
        file: IO[bytes],
        *,
        name: str = "the file",
        format: str | None = None,  # noqa: A002  (the command's name)
        thread: str | None = None,
        skip_bad: bool = False,
        again: bool = False,
        progress: "RestoreProgress | None" = None,
        user_id: str | None = None,
    ) -> "ImportResult":
        """Take in a file of any format of `threadkeep import`, or a ZIP archive of them."""
