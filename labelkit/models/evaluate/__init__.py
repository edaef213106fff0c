"""evaluate: label columns and annotators measured."""
