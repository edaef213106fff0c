"""The command line: the app, doctor, history."""
