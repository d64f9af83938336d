"""The live monitor of a File Daemon: what its feed tells, on a terminal or as lines. It only looks."""
