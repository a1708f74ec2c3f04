"""A result once more: its command read from the record beside it, repeated, and compared."""
