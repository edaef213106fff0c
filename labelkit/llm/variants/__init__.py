"""Several prompts or models: compared, or in turn."""
