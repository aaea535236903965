"""The networks, one module per lesson."""
