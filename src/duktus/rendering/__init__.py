"""Recipes in, pictures out: with their noise, their facts and their files."""
