"""Networks by name, trained runs in folders, comparison."""
