"""init: a starter task file for a data file."""
