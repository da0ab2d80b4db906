"""What teaching a style needs: the lesson, its pictures and its progress."""
