"""Columns, labels, keys, texts, answers: what the cells of a file mean."""
