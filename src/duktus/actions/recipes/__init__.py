"""From what a person asked for to recipes: words, axes, every value checked."""
