"""Answer with all earlier messages of the thread and of the user."""

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import MessagesState
from langgraph.store.base import BaseStore

from threadkeep import own_namespace


async def answer(state: MessagesState, *, store: BaseStore) -> dict[str, Any]:
    """Store the newest message; answer with the thread's messages and the user's best match."""
    namespace = await own_namespace(store, "diary")
    newest = state["messages"][-1]
    matches = await store.asearch(namespace, query=str(newest.content), limit=3)
    await store.aput(namespace, str(newest.id), {"text": newest.content})
    thread = [str(message.content) for message in state["messages"][:-1] if message.type == "human"]
    memory = [match.value["text"] for match in matches]
    return {"messages": [AIMessage(f"thread: {thread}; memory: {memory}")]}
