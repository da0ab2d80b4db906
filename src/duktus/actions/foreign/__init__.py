"""Recipes of ours from what other programs wrote."""
