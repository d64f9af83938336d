"""What happens to file data between disk and wire: digests, sparse blocks, compression, encryption. No trio
here.
"""
