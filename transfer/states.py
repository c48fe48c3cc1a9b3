"""The working state of a thread as JSON: which channels travel, and what they may hold."""

from dataclasses import fields
from typing import get_type_hints

from langgraph.channels import UntrackedValue

from graph.state import State

KEPT = tuple(
    field.name
    for field in fields(State)
    if UntrackedValue not in get_type_hints(State, include_extras=True)[field.name].__metadata__
)
"""The channels that a checkpoint holds."""
