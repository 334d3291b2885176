"""What carries the project to a deployment: its connections in every form, and a test of its image."""
