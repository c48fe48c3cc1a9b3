"""The graph on its databases: one turn at a time per thread, finished after a crash."""
