"""Six nodes, one file each. They reach stores through `runtime.store` only."""
