"""Settings, errors, ids, clock, text and database connections, used by every other folder."""
