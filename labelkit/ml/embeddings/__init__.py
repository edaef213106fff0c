"""Sentence embeddings: texts to vectors in which texts of alike meaning are close."""
