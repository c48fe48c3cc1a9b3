"""An agent on LangGraph that remembers, and its memory for agents that you write.

`open_memory` opens everything: databases, graph, locks. `builder`, `open_store` and
`open_checkpointer` are its parts for a graph of your own. Names are loaded when they are used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadkeep.base.errors import (
        AccessRefused,
        BadInput,
        NoModel,
        NoUser,
        ProviderFailed,
        StorageFailed,
        ThreadBusy,
        ThreadkeepError,
    )
    from threadkeep.base.settings import Settings
    from threadkeep.base.user import acting_as
    from threadkeep.checkpoints.owned import OwnedSaver
    from threadkeep.checkpoints.savers import open_checkpointer
    from threadkeep.erase.plan import Target
    from threadkeep.erase.receipt import Receipt
    from threadkeep.graph.agent import builder
    from threadkeep.graph.context import Context
    from threadkeep.memory import Memory, open_memory
    from threadkeep.protocol import MemoryProtocol
    from threadkeep.remote import RemoteMemory, open_remote
    from threadkeep.stores.hybrid import HybridStore, open_store
    from threadkeep.stores.owned import OwnedStore, get_own_namespace, own_namespace
    from threadkeep.turn import Turn

__all__ = [
    "AccessRefused",
    "BadInput",
    "Context",
    "HybridStore",
    "Memory",
    "MemoryProtocol",
    "NoModel",
    "NoUser",
    "OwnedSaver",
    "OwnedStore",
    "ProviderFailed",
    "Receipt",
    "RemoteMemory",
    "Settings",
    "StorageFailed",
    "Target",
    "ThreadBusy",
    "ThreadkeepError",
    "Turn",
    "acting_as",
    "builder",
    "get_own_namespace",
    "open_checkpointer",
    "open_memory",
    "open_remote",
    "open_store",
    "own_namespace",
]

_MODULES = {
    "base.errors": (
        "AccessRefused",
        "BadInput",
        "NoModel",
        "NoUser",
        "ProviderFailed",
        "StorageFailed",
        "ThreadBusy",
        "ThreadkeepError",
    ),
    "base.settings": ("Settings",),
    "base.user": ("acting_as",),
    "checkpoints.owned": ("OwnedSaver",),
    "checkpoints.savers": ("open_checkpointer",),
    "erase.plan": ("Target",),
    "erase.receipt": ("Receipt",),
    "graph.agent": ("builder",),
    "graph.context": ("Context",),
    "memory": ("Memory", "open_memory"),
    "protocol": ("MemoryProtocol",),
    "remote": ("RemoteMemory", "open_remote"),
    "stores.hybrid": ("HybridStore", "open_store"),
    "stores.owned": ("OwnedStore", "get_own_namespace", "own_namespace"),
    "turn": ("Turn",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    # The graph and the drivers take seconds to import: each name is loaded when it is used.
    from importlib import import_module

    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
