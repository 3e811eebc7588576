"""From a preview to a fill and out again: the only package that sends orders."""
