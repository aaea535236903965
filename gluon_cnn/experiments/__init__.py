"""Training networks by name, saved runs, and comparisons."""
