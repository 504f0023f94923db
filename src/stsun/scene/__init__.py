"""Images as users have them become a scene: dates on one grid, with their bands known."""
