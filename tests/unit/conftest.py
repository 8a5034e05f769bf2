"""Settings of all unit tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# On a busy machine drawing an example may take long: that says nothing about what is tested. Same examples every time.
settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")
