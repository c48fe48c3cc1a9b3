"""Sync calls of an async store."""

import asyncio


def refuse_on_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse a sync call on the event loop that would have to do the work meanwhile.

    Raises:
        InvalidStateError: the running loop is this one.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return
    if running is loop:
        raise asyncio.InvalidStateError(
            "Inside the event loop use the async methods of the store: await store.aget(...), "
            "await store.asearch(...), await own_namespace(store)."
        )
