"""What carries the project to a deployment: its connections and pools in every form, and a test of its image.

`make export-config` and `make image-test` are the front door.
"""
