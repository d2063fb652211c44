"""The image as a container engine builds and runs it."""
