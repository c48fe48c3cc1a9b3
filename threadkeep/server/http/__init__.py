"""The server for many users, without a licence: what `threadkeep serve --workers` runs."""
