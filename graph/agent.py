"""One turn of a conversation that remembers, read from top to bottom."""

from langgraph.graph import END, START

from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Output, State
from threadkeep.graph.thread_graph import ThreadGraph
from threadkeep.nodes.call_model import call_model
from threadkeep.nodes.extract_entities import extract_entities
from threadkeep.nodes.retrieve_memories import retrieve_memories
from threadkeep.nodes.store_turn import store_turn
from threadkeep.nodes.summarize_history import summarize_history
from threadkeep.nodes.trim_history import trim_history

BOOKKEEPING = ("store_turn", "summarize_history", "extract_entities")

builder = ThreadGraph(State, context_schema=Context, input_schema=Input, output_schema=Output)

builder.add_node(retrieve_memories)  # what this user's past says about the newest message
builder.add_node(trim_history)  # what fits, and what it costs
builder.add_node(call_model)  # the answer; nothing before it calls a model
builder.add_node(store_turn)  # after it, side by side: store every word,
builder.add_node(summarize_history)  # compact what has grown too long,
builder.add_node(extract_entities)  # and learn who and what it was about

builder.add_edge(START, "retrieve_memories")
builder.add_edge("retrieve_memories", "trim_history")
builder.add_edge("trim_history", "call_model")
for bookkeeping in BOOKKEEPING:
    builder.add_edge("call_model", bookkeeping)
    builder.add_edge(bookkeeping, END)

# Without saver and store: `langgraph dev` adds its own, other callers compile `builder`.
graph = builder.compile(name="threadkeep")
