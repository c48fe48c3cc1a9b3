"""A module of this project with the name of one of our modules."""

NAME = "project"
