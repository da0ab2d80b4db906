"""What families that learn by flow matching share."""
