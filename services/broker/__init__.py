"""The only way to the broker: one port that sends, one that reads, one stream of updates."""
