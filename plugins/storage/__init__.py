"""Where data rests: landing, raw, the lake, artifacts and what is published."""
