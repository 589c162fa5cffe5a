"""Image data sets: read, checked, augmented, and drawn in batches."""
