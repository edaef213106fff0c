"""Providers: connect() gives what asks a model."""
