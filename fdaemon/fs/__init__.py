"""The disk seam: everything that touches files, by directory descriptors."""
