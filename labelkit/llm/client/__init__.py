"""Requests: scheduling, rate limits, cache, cost, providers."""
