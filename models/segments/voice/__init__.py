"""Schemes of what customers need, say and recommend."""
