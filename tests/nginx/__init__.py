"""Tests on machines with a real nginx, of three versions."""
