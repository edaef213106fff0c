"""merge: people's answers come into the file."""
