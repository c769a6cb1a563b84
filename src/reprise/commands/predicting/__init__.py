"""What ``reprise predict`` is made of: its inputs, and the files that it writes."""
