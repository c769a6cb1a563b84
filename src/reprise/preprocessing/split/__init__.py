"""Train, val and test: groups of images, and which split each group joins."""
