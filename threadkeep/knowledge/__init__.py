"""What is known: entities, facts, corrections, pins, branches, and the reasons of an answer."""
