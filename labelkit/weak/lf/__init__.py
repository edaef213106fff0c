"""Labeling functions and rules: loaded, bound to columns, run on batches."""
