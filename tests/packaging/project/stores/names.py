"""Where this project keeps what its users wrote."""

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from threadkeep.stores.namespaces import user_key


async def namespace_of(store: BaseStore, config: RunnableConfig) -> tuple[str, str]:
    """Return the namespace of the user of a run."""
    user = config["configurable"]["langgraph_auth_user_id"]
    return await user_key(store, user), "diary"
