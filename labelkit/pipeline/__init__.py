"""All stages of a task in one command: planned, run by the same code as the commands, resumed."""
