"""The nodes of this project."""
