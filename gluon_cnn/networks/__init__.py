"""One file a network, named as its lesson."""
