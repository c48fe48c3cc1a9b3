"""Read conversations of other programs; one file a format."""
