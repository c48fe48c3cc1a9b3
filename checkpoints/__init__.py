"""Short-term memory: the checkpoints of threads. Touches the database files and nothing of the nodes."""
