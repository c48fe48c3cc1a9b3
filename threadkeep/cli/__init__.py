"""The terminal. Touches stdin, stdout and stderr; everything else goes through the graph."""
