"""Who is being lost: dormancy levels by rule."""
