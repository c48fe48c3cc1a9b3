"""Long-term memory across threads, behind `BaseStore`. Touches its database and vectors."""
