"""One file, one node, one function of its name. Touches stores only through `runtime.store`."""
