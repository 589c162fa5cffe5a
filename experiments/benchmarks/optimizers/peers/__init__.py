"""Programs that drive other libraries, each in an environment of its own; `peer` starts them."""
