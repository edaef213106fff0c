"""Where the scores of query come from: a strategy, or columns."""
