"""What is measured: each target takes the same objects and the same requests."""
