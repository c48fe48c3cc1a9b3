"""The graph of this project."""
