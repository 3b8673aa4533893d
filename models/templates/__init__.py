"""What `drydock new` writes: each file works as it stands, and its comments say what to change."""
