"""What our columns suppose of a row's label, and how sure they are: shown to people as a guess."""

# Who supposes a label, the nearest to the person's question first, and in which words.
SUGGESTING = {
    "noise_suggested": "find-noise suggests",
    "query_guess": "guess",
    "final_label": "decide says",
    "llm_label": "the language model says",
    "model_label": "the model says",
    "weak_label": "the rules say",
}


def confidence_beside(name: str) -> str:
    """Return the column that tells how sure such a column is."""
    return f"{name.removesuffix('label').rstrip('_')}_confidence"
