"""The databases of this project."""
