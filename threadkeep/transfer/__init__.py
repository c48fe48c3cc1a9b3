"""Export, restore, import, migrate and report memory."""
