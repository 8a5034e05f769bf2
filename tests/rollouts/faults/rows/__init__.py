"""The rows, by what is broken."""
