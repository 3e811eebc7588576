"""Where events are kept: the journal and its tables."""
