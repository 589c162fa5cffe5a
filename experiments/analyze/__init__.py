"""What supernets know, and what tables say: `oneshot-hpo analyze`."""
