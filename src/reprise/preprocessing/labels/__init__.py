"""Labels: read, cached, and cleaned for each image."""
