"""What a study minimises: the loss of a found architecture, and what is known of it."""
