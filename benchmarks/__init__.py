"""How the numbers in the README are made."""
