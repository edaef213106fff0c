"""Duplicates, neighbours, outliers and other checks of a data set."""
