"""A graph that repeats what it remembers of its user."""

from langgraph.graph import START, MessagesState, StateGraph

from nodes.answer import answer

builder = StateGraph(MessagesState)
builder.add_node(answer)
builder.add_edge(START, "answer")
graph = builder.compile()
