"""Decide: one label a row from people, weak labels, language models and trained models."""
