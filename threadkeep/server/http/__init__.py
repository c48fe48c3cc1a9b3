"""The HTTP server for many users: a part of LangGraph's API."""
