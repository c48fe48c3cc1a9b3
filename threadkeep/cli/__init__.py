"""The terminal: reads arguments and stdin, writes stdout and stderr; all work is in Memory."""
