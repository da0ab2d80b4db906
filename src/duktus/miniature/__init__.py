"""The miniature: the small base model that duktus ships, and the drawn world it was trained on."""
