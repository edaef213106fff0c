"""Files: formats, whole writes, history."""
