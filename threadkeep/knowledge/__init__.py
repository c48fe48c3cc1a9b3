"""What is known of a user: messages on branches, notes, entities, facts, corrections, pins."""
