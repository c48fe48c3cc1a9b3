"""An agent on LangGraph that remembers, and its memory for other agents."""
