"""What the literature's claims are worth here: a page made from kept studies and measurements."""
