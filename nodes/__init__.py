"""Six nodes, one file each, named after its node. They reach stores through `runtime.store` only."""
