"""A small list of notes: MySQL keeps them, Redis caches the list and counts."""
