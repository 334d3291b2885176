"""The ways to move a batch from the API to the store; each is run in a process of its own."""
