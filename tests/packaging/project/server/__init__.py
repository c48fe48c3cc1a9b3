"""The server of this project."""
