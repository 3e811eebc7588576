"""The vocabulary both halves share: values and pure rules, no I/O, no logging."""
