"""What several test rooms share: recorded sessions, and how to feed a parser badly."""
