"""The faults that a rollout must survive: a row each."""
