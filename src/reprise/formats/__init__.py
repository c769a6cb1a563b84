"""Label formats: each module reads one into the records that preprocessing validates."""
