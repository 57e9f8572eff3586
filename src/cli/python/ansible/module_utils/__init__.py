"""What modules share: arguments, results, programs, files, texts, URLs."""
