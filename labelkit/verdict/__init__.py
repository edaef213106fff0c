"""Whether labels are good enough, what is wrong with them, and the step that gains most."""
