"""The example applications, run for real."""
