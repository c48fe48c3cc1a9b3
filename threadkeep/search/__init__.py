"""Item search: memory index, features, ranking, question analysis. Imports no store."""
