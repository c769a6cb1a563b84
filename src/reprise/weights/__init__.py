"""The weights that training starts from: by name, fetched, verified, read without running."""
