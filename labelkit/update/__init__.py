"""A new file of the same kind, labelled as the last run labelled the old one."""
