"""The whole site, in a lab of its own."""
