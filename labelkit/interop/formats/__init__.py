"""Formats of other tools, one a file: write() and read()."""
