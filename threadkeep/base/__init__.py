"""Settings, errors, ids, clock, text and database connections: what every other folder uses."""
