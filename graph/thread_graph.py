"""The graph of a thread: what enters it is validated, and compared with what it knows."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import InvalidUpdateError
from langgraph.graph import StateGraph
from langgraph.types import Command, StateSnapshot, StateUpdate

from threadkeep.base.errors import NoSuchCheckpoint, NoUser
from threadkeep.base.user import AUTH_KEY, USER_KEY, acting_as, acting_user
from threadkeep.checkpoints.thread_turns import INITIAL_STATE
from threadkeep.graph.messages import read_messages, with_ids
from threadkeep.graph.state import State, readable_values, validate_values
from threadkeep.graph.sync_graph import SyncGraph
from threadkeep.knowledge.branch_head import Head, head_of
from threadkeep.knowledge.branch_sync import follow_branch, follow_updates
from threadkeep.knowledge.known_messages import MessageChanges, StoredPlace, changes_of
from threadkeep.knowledge.state_corrections import reworded_state
from threadkeep.stores.namespaces import user_key

LAST_NODE = "store_turn"
"""Node as which a state is changed from outside: no other follows it."""
SPECIAL_NODES = ("__copy__", "__end__", "__input__")
"""Names of nodes by which LangGraph copies or finishes a checkpoint instead of changing it."""


class ThreadGraph(StateGraph[Any, Any, Any, Any]):
    """A graph whose compiled form validates what enters it."""

    def compile(self, *args: Any, **kwargs: Any) -> "CompiledThreadGraph":
        """Compile the graph; the arguments are LangGraph's."""
        return CompiledThreadGraph(**vars(super().compile(*args, **kwargs)))


class CompiledThreadGraph(SyncGraph):
    """A graph that refuses bad input before anything is stored, and takes in only what is new."""

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Stream a run.

        Messages that the thread has already are not added again; other words for one of them, and
        removed messages, change the state and the store before the run. A run that brings nothing
        new to a thread that is answered only finishes what is pending.

        Raises:
            BadInput: a message is invalid.
            NoSuchCheckpoint: the config names one that the thread does not have.
        """
        with _acting(config, kwargs.get("context")):
            value, run_config = await self._prepared(input, config)
        async for event in super().astream(value, run_config, **kwargs):
            yield event

    async def aupdate_state(
        self,
        config: RunnableConfig,
        values: Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> RunnableConfig:
        """Change the state; without a node, as the last one of a turn. The store follows.

        Raises:
            BadInput: a field is unknown or has the wrong type; nothing was changed.
            NoSuchCheckpoint: the config names one that the thread does not have.
        """
        with _acting(config):
            return await self._update_state(config, values, as_node, task_id)

    async def _update_state(
        self, config: RunnableConfig, values: Any, as_node: str | None, task_id: str | None
    ) -> RunnableConfig:
        state = await self._state_values(config)
        if values is None or as_node in SPECIAL_NODES:
            return await super().aupdate_state(config, values, as_node, task_id)
        values = validate_values(values)
        place = await self._stored_place(config)
        changes = MessageChanges()
        if "messages" in values:
            messages = state.get("messages") or []
            changes = await changes_of(values["messages"], messages, place, whole_history=False)
            values = _update_of(changes, state) | values
            values["messages"] = [*_message_update(changes), *with_ids(changes.new)]
        try:
            new_config = await super().aupdate_state(config, values, as_node, task_id)
        except InvalidUpdateError:
            if as_node is not None:
                raise
            new_config = await super().aupdate_state(config, values, LAST_NODE, task_id)
        await self._follow(new_config, place, state, changes)
        return new_config

    async def abulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Change the state in several steps.

        Raises:
            BadInput: a field is unknown or has the wrong type; nothing was changed.
        """
        valid = [
            [
                update
                if update.values is None or update.as_node in SPECIAL_NODES
                else update._replace(values=validate_values(update.values))
                for update in updates
            ]
            for updates in supersteps
        ]
        return await super().abulk_update_state(config, valid)

    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return a state of the thread.

        Raises:
            NoSuchCheckpoint: the config names one that the thread does not have.
        """
        if _checkpoint_id(config):
            with _acting(config):
                await self._state_values(config)
        return await super().aget_state(config, subgraphs=subgraphs)

    async def _prepared(self, value: Any, config: Any) -> tuple[Any, Any]:
        """Return the input and config of a run, after what changes the thread's history."""
        if isinstance(value, Command) and isinstance(value.update, Mapping):
            validate_values(value.update)
        if not isinstance(value, Mapping):
            if _checkpoint_id(config):
                await self._state_values(config)
            return value, config
        messages = read_messages(value.get("messages"), "input.messages")
        prepared = {**value, "messages": with_ids(messages)}
        needs_state = _checkpoint_id(config) or not _is_plain(messages)
        if not needs_state or not self._has_thread(config):
            return prepared, config
        state = await self._state_values(config)
        place = await self._stored_place(config)
        before = state.get("messages") or []
        changes = await changes_of(messages, before, place, whole_history=True)
        if changes.changes_history:
            update = {**_update_of(changes, state), "messages": _message_update(changes)}
            own_config = _own_config(config)
            new_config = await super().aupdate_state(own_config, update, LAST_NODE)
            await self._follow(new_config, place, state, changes)
            if _checkpoint_id(config):
                config = _at(config, new_config["configurable"]["checkpoint_id"])
        if not changes.new and not changes.edited and not changes.stored_edits:
            remaining = [
                m for m in before if str(m.id) not in changes.removed and not changes.clears
            ]
            if (state and changes.clears) or (remaining and isinstance(remaining[-1], AIMessage)):
                return None, config
        return {**value, "messages": with_ids(changes.new)}, config

    async def _state_values(self, config: Any) -> dict[str, Any]:
        """Return the readable values of the state that a config names, none of a new thread."""
        saver = self.checkpointer
        if not isinstance(saver, BaseCheckpointSaver) or _namespace(config):
            return {}
        checkpoint = await saver.aget_tuple(_own_config(config))
        if checkpoint is None:
            if checkpoint_id := _checkpoint_id(config):
                raise NoSuchCheckpoint(checkpoint_id)
            return {}
        return readable_values(checkpoint.checkpoint["channel_values"])

    async def _stored_place(self, config: Any) -> StoredPlace | None:
        if self.store is None:
            return None
        try:
            owner = await user_key(self.store, acting_user(config))
        except NoUser:
            return None
        return StoredPlace(
            store=self.store, owner=owner, thread=str(config["configurable"]["thread_id"])
        )

    async def _follow(
        self,
        config: RunnableConfig,
        place: StoredPlace | None,
        before: Mapping[str, Any],
        changes: MessageChanges,
    ) -> None:
        """Let the stored messages of the thread follow a change of its state."""
        if place is None:
            return
        after = await self._state_values(config)
        if getattr(self.checkpointer, "follow", None) is None:
            follow = follow_updates(place.store)
            await follow(acting_user(config), place.thread, before, after)
        if changes.stored_edits or changes.stored_removed:
            head = head_of(after)
            head = Head(
                through=head.through,
                stored=head.stored,
                texts={**head.texts, **changes.stored_edits},
                removed=frozenset(changes.stored_removed),
            )
            await follow_branch(place.store, place.owner, place.thread, head)

    def _has_thread(self, config: Any) -> bool:
        """Return whether a run has a thread of its own, and is no part of another graph's run."""
        has_saver = isinstance(self.checkpointer, BaseCheckpointSaver)
        return has_saver and bool(_configurable(config).get("thread_id")) and not _namespace(config)


@contextmanager
def _acting(config: Any, context: Any = None) -> Iterator[None]:
    """Act as the user of a run: of its config or the block it is in, or else of its context.

    Raises:
        AccessRefused: they name different users.
    """
    fields = context if isinstance(context, Mapping) else getattr(context, "__dict__", {})
    try:
        user: str | None = acting_user(config)
    except NoUser:
        user = fields.get(USER_KEY)
    with acting_as(user) if user else nullcontext():
        yield


def _is_plain(messages: Sequence[BaseMessage]) -> bool:
    """Return whether the messages can only be new: one of a user's, without an id."""
    return len(messages) == 1 and messages[0].type == "human" and not messages[0].id


def _message_update(changes: MessageChanges) -> list[BaseMessage]:
    if changes.clears:
        return list(INITIAL_STATE["messages"])
    return [*(RemoveMessage(id=message_id) for message_id in changes.removed), *changes.edited]


def _update_of(changes: MessageChanges, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else changes in a state: words of edited messages that its summary quotes."""
    if changes.clears:
        return {name: value for name, value in INITIAL_STATE.items() if name != "messages"}
    new_texts: dict[str, str] = {**changes.stored_edits}
    new_texts |= {str(message.id): str(message.text) for message in changes.edited}
    old = State(**{name: state[name] for name in state if name in State.__annotations__})
    new = reworded_state(old, changes.former_texts, new_texts)
    names = ("summary", "extract", "pins")
    return {n: getattr(new, n) for n in names if getattr(new, n) != getattr(old, n)}


def _configurable(config: Any) -> Mapping[str, Any]:
    return (config or {}).get("configurable") or {}


def _checkpoint_id(config: Any) -> str:
    return str(_configurable(config).get("checkpoint_id") or "")


def _namespace(config: Any) -> str:
    return str(_configurable(config).get("checkpoint_ns") or "")


def _own_config(config: Any) -> RunnableConfig:
    """Return a config that names the thread, the checkpoint and the user, nothing of a run."""
    names = ("thread_id", "checkpoint_ns", "checkpoint_id", USER_KEY, AUTH_KEY)
    fields = {name: value for name, value in _configurable(config).items() if name in names}
    return {"configurable": {"checkpoint_ns": "", **fields}}


def _at(config: Any, checkpoint_id: str) -> Any:
    return {**config, "configurable": {**_configurable(config), "checkpoint_id": checkpoint_id}}
