"""annotate: label rows by hand; every answer is kept."""
