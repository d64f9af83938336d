"""What a job is and does: its spec, its standing, its messages, and the data it makes or takes."""
