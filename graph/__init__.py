"""What a turn is: state, context, and the graph of nodes."""
