"""People: their answers come back into the file."""
