"""The desk: everything it does between a tool call and the broker."""
