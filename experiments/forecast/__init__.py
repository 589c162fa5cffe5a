"""How long a study will take and what it will cost, before it runs."""
