"""A module of this project with the name of one of our folders."""

NAME = "project"
