"""Full-text search in memory: index, features, ranking, question analysis."""
