"""Merge operations that wait for the database into few statements."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from langgraph.store.base import GetOp, ListNamespacesOp, Op, PutOp, Result, SearchOp

from threadkeep.base.storage_errors import is_driver_error
from threadkeep.stores.tombstones import current_checkpoint

MAX_ACTIVE = 4
"""Calls that work at once: a pool has as many connections, and SQLite one writer."""
MAX_OPS = 500
"""Operations of one merged call."""

Work = Callable[[list[Op]], Awaitable[list[Result]]]


@dataclass(kw_only=True)
class _Call:
    """Operations that wait, and who waits for them."""

    ops: list[Op]
    checkpoint: str | None
    """The checkpoint that its writes go on from; None if it only reads."""
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    results: "asyncio.Future[list[Result]]"


class MergingQueue:
    """Does operations at once while few are under way; what waits is done together.

    Each call has its own results and its own error. Of the writes to one item in a merged call the
    last counts, as if the others had come before it.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._active = 0
        self._waiting: deque[_Call] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, ops: list[Op]) -> list[Result]:
        """Do operations; the results are in their order."""
        if self._active < MAX_ACTIVE:
            self._active += 1
            try:
                return await self._work(ops)
            finally:
                self._active -= 1
                self._start_waiting()
        writes = any(isinstance(op, PutOp) for op in ops)
        call = _Call(
            ops=ops,
            checkpoint=current_checkpoint() if writes else None,
            results=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(call)
        return await call.results

    def _start_waiting(self) -> None:
        while self._active < MAX_ACTIVE and (calls := self._next_calls()):
            self._active += 1
            writer = next((call for call in calls if call.checkpoint is not None), calls[0])
            task = asyncio.create_task(self._run_together(calls), context=writer.context)
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._active -= 1
        self._start_waiting()

    def _next_calls(self) -> list[_Call]:
        """Take the oldest calls whose writes go on from the same checkpoint."""
        calls: list[_Call] = []
        checkpoint, size = None, 0
        while self._waiting:
            call = self._waiting[0]
            if call.results.done():  # Its caller was cancelled.
                self._waiting.popleft()
                continue
            size += len(call.ops)
            other = checkpoint is not None and call.checkpoint not in (None, checkpoint)
            if calls and (other or size > MAX_OPS):
                break
            checkpoint = call.checkpoint if checkpoint is None else checkpoint
            calls.append(self._waiting.popleft())
        return calls

    async def _run_together(self, calls: list[_Call]) -> None:
        try:
            results = await _merged(self._work, [op for call in calls for op in call.ops])
        except BaseException as error:
            if len(calls) == 1 or not isinstance(error, Exception) or _is_of_server(error):
                for call in calls:
                    _fail(call, error)
                return
            for call in calls:
                # One of them is refused: each by itself, so that no other is.
                await asyncio.create_task(self._run_together([call]), context=call.context)
            return
        remaining = iter(results)
        for call in calls:
            own = [next(remaining) for _ in call.ops]
            if not call.results.done():
                call.results.set_result(own)


async def _merged(work: Work, ops: Sequence[Op]) -> list[Result]:
    """Do operations, the same one once; nobody shares the objects of a result."""
    places: list[int] = []
    unique: list[Op] = []
    place_of: dict[Any, int] = {}
    for op in ops:
        key = _hashable(_key_of(op))
        place = place_of.get(key, len(unique)) if key is not None else len(unique)
        if place == len(unique):
            unique.append(op)
            if key is not None:
                place_of[key] = place
        elif isinstance(op, PutOp):
            unique[place] = op
        places.append(place)
    results = await work(unique)
    used: set[int] = set()
    copies: list[Result] = []
    for place in places:
        copies.append(deepcopy(results[place]) if place in used else results[place])
        used.add(place)
    return copies


def _key_of(op: Op) -> Any:
    """Return what two equal operations have in common; None for one that is never merged."""
    if isinstance(op, PutOp):
        return PutOp, op.namespace, op.key
    if isinstance(op, GetOp):
        return op
    if isinstance(op, ListNamespacesOp):
        return ListNamespacesOp, tuple(op.match_conditions or ()), op.max_depth, op.limit, op.offset
    if isinstance(op, SearchOp) and not op.filter:
        return SearchOp, op.namespace_prefix, op.limit, op.offset, op.refresh_ttl
    return None


def _hashable(key: Any) -> Any:
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _is_of_server(error: Exception) -> bool:
    """Return whether the database failed, whatever is asked of it."""
    names = {base.__name__ for base in type(error).__mro__}
    return is_driver_error(error) and not names.isdisjoint({"OperationalError", "InterfaceError"})


def _fail(call: _Call, error: BaseException) -> None:
    if call.results.done():
        return
    if isinstance(error, asyncio.CancelledError):
        call.results.cancel()
    else:
        call.results.set_exception(error)
