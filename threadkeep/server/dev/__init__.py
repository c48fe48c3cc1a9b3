"""What langgraph.json names, for `langgraph dev` and LangGraph Studio."""
