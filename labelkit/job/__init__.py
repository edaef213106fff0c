"""One run of a command: input, labels, features, output."""
