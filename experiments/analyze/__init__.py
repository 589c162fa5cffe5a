"""What the supernet knows: analyses of supernets, searches and tables."""
