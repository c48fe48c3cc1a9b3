"""Entities, facts and literals of a message, read without a model."""
