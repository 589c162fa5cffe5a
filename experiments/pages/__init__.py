"""Self-contained HTML pages: one file, read without a network, for reports and atlases."""
