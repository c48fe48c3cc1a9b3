"""The shape of one turn: state, context, settings, errors, and the graph itself."""
