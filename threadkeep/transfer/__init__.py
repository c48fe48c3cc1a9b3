"""Memory taken along: export, import, migration and report of what a user is remembered by."""
