"""What carries the project to a deployment: its connections in every form (`make export-config`)."""
