"""The predicates; they are declared in `threadkeep/base/predicates.toml`."""

from threadkeep.base.predicates import predicate_table as predicate_table
