"""What pictures begin from and are held to: pictures, masks, and the networks that stand beside a base."""
