"""From data.sources to plain folders: fetched, verified, unpacked."""
