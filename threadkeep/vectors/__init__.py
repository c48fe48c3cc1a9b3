"""Vector search: the Chroma adapter and the embedders."""
