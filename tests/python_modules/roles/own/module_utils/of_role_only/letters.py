LETTER = "z"
