"""The live loop of annotate: what to ask next while a model learns."""
