"""query: pick the rows that are worth a person's time."""
