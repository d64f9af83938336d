"""One Director connection: who is let in, the commands, and the end of a session. Moves no file data itself."""
