"""A Director peer and a Storage peer that speak the real protocol to any File Daemon. They have their own
side of every dialogue.
"""
