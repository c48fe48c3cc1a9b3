"""Short-term memory: checkpoints, locks and records of threads. Touches the data folder only."""
