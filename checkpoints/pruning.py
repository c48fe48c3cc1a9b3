"""`aprune`, for savers that lack it, and where the turns of a thread begin."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """What says where turns begin: a checkpoint of the outer graph, without its content."""

    id: str
    parent: str | None
    source: str | None
    step: int | None


class Cut(NamedTuple):
    """Ids before which checkpoints are pruned: of the outer graph, and of its subgraphs.

    A subgraph that keeps its state between turns may have written its newest checkpoint long ago:
    the newest one of a namespace without a task's id is kept however old it is.
    """

    outer: str
    inner: str

    def cutoff(self, namespace: str, newest: str) -> str:
        """Return from which id on the checkpoints of a namespace stay; `newest` is its last one."""
        if not namespace:
            return self.outer
        return self.inner if ":" in namespace else min(self.inner, newest)


def cut_of_turns(steps: Iterable[Step], keep: int) -> Cut | None:
    """Return where to cut a thread so that its newest `keep` turns stay; None if it has no more.

    A turn begins with a checkpoint of the source "input". With the durability "exit" a turn has
    only its last one, whose number does not follow that of its parent.
    """
    newest_first = sorted(steps, reverse=True)
    by_id = {step.id: step for step in newest_first}
    first_of_turns = [step for step in newest_first if _begins_turn(step, by_id)]
    if len(first_of_turns) <= keep:
        return None
    first = first_of_turns[keep - 1] if keep > 0 else newest_first[0]
    # Subgraphs wrote theirs before the only checkpoint of such a turn, and after that one's parent.
    is_only = first.source != "input" and first.parent in by_id
    return Cut(first.id, str(first.parent) if is_only else first.id)


class Thinning(NamedTuple):
    """Which checkpoints of finished turns go, and what follows for those that stay."""

    removed: list[str]
    """Ids of checkpoints inside a turn: the state after the turn stays."""
    parents: dict[str, str | None]
    """Id -> new parent, of the checkpoints whose parent is removed."""
    ends: list[str]
    """Ids of the states after the finished turns, which stay."""


def thin_turns(steps: Iterable[Step], whole: int) -> Thinning:
    """Return what to remove so that of all turns but the newest `whole` only the end stays.

    A state from which another turn or branch begins stays too.
    """
    newest_first = sorted(steps, reverse=True)
    by_id = {step.id: step for step in newest_first}
    first_of_turns = [step for step in newest_first if _begins_turn(step, by_id)]
    if len(first_of_turns) <= whole:
        return Thinning([], {}, [])
    oldest_whole = first_of_turns[whole - 1].id if whole > 0 else ""
    older = [step for step in newest_first if not oldest_whole or step.id < oldest_whole]
    begins = {step.parent for step in first_of_turns}
    goes_on = {step.parent for step in newest_first} - begins
    removed = {step.id: step.parent for step in older if step.id in goes_on}
    parents: dict[str, str | None] = {}
    for step in newest_first:
        if step.id not in removed and step.parent in removed:
            parent: str | None = step.parent
            while parent in removed:
                parent = removed[parent]
            parents[step.id] = parent
    return Thinning([*removed], parents, [step.id for step in older if step.id not in removed])


def _begins_turn(step: Step, by_id: dict[str, Step]) -> bool:
    if step.source == "input":
        return True
    parent = by_id.get(step.parent or "")
    if parent is None:
        return True
    # The copy of a state stands beside it, two steps after their common parent.
    follows = 2 if step.source == "fork" else 1
    return step.step is not None and parent.step is not None and step.step > parent.step + follows


class Pruning:
    """Mixin that gives a saver `aprune`."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep the newest checkpoint of each namespace ("keep_latest"), or none ("delete").

        Raises:
            ValueError: the strategy is unknown.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"strategy {strategy!r} is neither 'keep_latest' nor 'delete'")
        for thread in thread_ids:
            await (self.adelete_thread if strategy == "delete" else self._keep_latest)(thread)

    @abstractmethod
    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""

    @abstractmethod
    async def _keep_latest(self, thread: str) -> None:
        """Delete all but the newest checkpoint of each namespace."""
