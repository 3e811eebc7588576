"""What a book could become: pure numbers, no clock, no socket. Statistics, so floats."""
