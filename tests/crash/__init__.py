"""Power cuts: exchange and daemon are killed under load, and what was promised must still be so."""
