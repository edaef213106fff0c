"""llm-label: a language model labels rows."""
