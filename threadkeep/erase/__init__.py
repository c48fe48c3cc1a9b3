"""Erase memory: resolve what goes, plan it, erase it, verify it, and write a receipt."""
