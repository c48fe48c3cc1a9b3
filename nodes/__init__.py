"""One file, one node, one function of the same name; touches stores only through `runtime.store`."""
