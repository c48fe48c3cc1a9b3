"""Run each test on every database that can store items."""

from tests.database_fixtures import chroma_may_leave_its_sockets, home, pytest_generate_tests

__all__ = ["chroma_may_leave_its_sockets", "home", "pytest_generate_tests"]
