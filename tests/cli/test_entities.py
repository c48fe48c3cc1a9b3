"""`threadkeep entities`: who is who, at the terminal."""

from tests.cli.commands import ask, run

ADA = ("-u", "ada")


def test_entities_are_listed_merged_split_and_put_back(env: dict[str, str]) -> None:
    assert "Nothing is known." in run(env, "entities", "list", *ADA).stderr
    ask(env, "ada", "first", "My sister Miriam lives in Lisbon. Mimi works at Initech.")
    line = run(env, "entities", "merge", "Miriam", "Mimi", *ADA).stdout
    assert "Mimi is another name of Miriam" in line
    assert "Miriam, also called Mimi (person)" in run(env, "entities", "list", *ADA).stdout
    assert "Miriam works at Initech" in run(env, "facts", *ADA, "--about", "Mimi").stdout
    assert "is undone" in run(env, "entities", "undo", line.split()[0], *ADA).stdout
    assert "(undone)" in run(env, "entities", "changes", *ADA).stdout
    assert "Mimi works at Initech" in run(env, "facts", *ADA).stdout
    process = run(env, "entities", "split", "Mimi", *ADA, code=2)
    assert "no other name of anybody" in process.stderr
