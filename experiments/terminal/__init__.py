"""How a command shows its progress and ends."""
