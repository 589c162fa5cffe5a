"""Bundles: studies with everything that a paper says of them, as data that can be checked."""
