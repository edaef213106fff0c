"""One HTML page about a labelled file: where its labels come from, what they cost and are worth."""
