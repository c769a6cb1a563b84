"""What `reprise compare` reads and works out."""
