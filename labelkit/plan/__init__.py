"""plan: which techniques fit a data file, at what cost."""
