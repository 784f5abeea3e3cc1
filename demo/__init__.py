"""The main job, driven over REST as a user would."""
