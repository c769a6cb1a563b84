"""From labelled images as they came to the dataset contract."""
