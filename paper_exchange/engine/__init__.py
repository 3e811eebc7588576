"""The exchange's core, pure: commands in, events out, state as the fold of events."""
