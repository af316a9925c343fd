"""How customers use, browse, answer and speak: a scheme for each extract that tells it."""
