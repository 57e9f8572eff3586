WORDS = "of the role"
