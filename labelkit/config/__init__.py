"""Settings that need no data: commands, task file, paths, costs, plugins."""
