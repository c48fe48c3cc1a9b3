"""The terminal of this project."""

NAME = "project"
