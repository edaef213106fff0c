"""Noise methods: judge() gives quality and flags."""
