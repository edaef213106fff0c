"""What a model is asked: chat, completion, template, examples."""
