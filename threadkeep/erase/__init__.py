"""Memory forgotten: what goes with what, until no byte of it is left; above `nodes`."""
