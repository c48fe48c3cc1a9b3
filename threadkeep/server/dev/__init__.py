"""What langgraph.json names: langgraph dev and LangGraph Studio."""
