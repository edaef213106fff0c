"""What is known before any data is read: commands, task file, paths, costs, parts by name."""
