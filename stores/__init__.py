"""Long-term memory across threads, behind LangGraph's `BaseStore`. Touches its database and vector folder."""
