"""Keys of the Redis saver; those of checkpoints, writes and threads are `AsyncValkeySaver`'s.

The braces make all keys of a thread one hash slot of a cluster.
"""

CheckpointPath = tuple[str, str, str]
"""Thread id, namespace, checkpoint id."""


def checkpoint_key(path: CheckpointPath) -> str:
    """Return the key of a checkpoint (JSON)."""
    thread, namespace, checkpoint_id = path
    return f"checkpoint:{{{thread}}}:{namespace}:{checkpoint_id}"


def writes_key(path: CheckpointPath) -> str:
    """Return the key of a checkpoint's pending writes (JSON list)."""
    thread, namespace, checkpoint_id = path
    return f"writes:{{{thread}}}:{namespace}:{checkpoint_id}"


def thread_key(thread: str, namespace: str) -> str:
    """Return the key of the checkpoint ids in a namespace (list, newest first)."""
    return f"thread:{{{thread}}}:{namespace}"


def namespaces_key(thread: str) -> str:
    """Return the key of a thread's namespaces (set)."""
    return f"namespaces:{{{thread}}}"


def checkpoints_with_writes_key(thread: str) -> str:
    """Return the key of a thread's checkpoints that have writes (set of "id:namespace")."""
    return f"written:{{{thread}}}"


def lifetime_key(thread: str) -> str:
    """Return the key of a thread's time to live in minutes (0 for none)."""
    return f"life:{{{thread}}}"


def tombstone_key(thread: str) -> str:
    """Return the key of a thread's tombstone (checkpoint id of its deletion)."""
    return f"buried:{{{thread}}}"


def run_key(run_id: str) -> str:
    """Return the key of a run's checkpoints (set of JSON paths)."""
    return f"run:{run_id}"
