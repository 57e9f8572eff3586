"""How Trueup does what the files around it offer; no part of the interface for modules."""
