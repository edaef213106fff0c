"""Figures on plain arrays: metrics, agreement."""
