"""One image file: decoded, turned upright, hashed, resized and encoded."""
