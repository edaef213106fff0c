"""simulate: learning curves against random on known labels."""
