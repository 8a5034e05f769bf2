"""Runs everything that must pass: which stages there are, and how they are run."""
