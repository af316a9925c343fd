"""Schemes of who customers are and where: place, age, occasion, way of living."""
