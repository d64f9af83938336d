"""What to save: the FileSet as the Director sends it, the walk over it, and the accurate list."""
