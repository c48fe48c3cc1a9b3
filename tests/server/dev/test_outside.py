"""Nothing is sent anywhere: every connection and every look-up of the server's is watched."""

from pathlib import Path

from tests.server.dev.running import new_server, texts

WATCH = """
import os, socket, sys

if "langgraph_cli" in sys.orig_argv:
    # The loop of Python's own, whose connections can be seen from here.
    sys.modules["uvloop"] = None
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def tell(host):
        if str(host) not in ("127.0.0.1", "::1", "localhost", "None", "0.0.0.0"):
            with open(os.environ["WATCHED"], "a") as file:
                file.write(f"{host}\\n")

    def watched_connect(self, address):
        tell(address[0] if isinstance(address, tuple) else "localhost")
        return connect(self, address)

    def watched_lookup(host, *args, **kwargs):
        tell(host.decode() if isinstance(host, bytes) else host)
        return lookup(host, *args, **kwargs)

    socket.socket.connect, socket.getaddrinfo = watched_connect, watched_lookup
    with open(os.environ["WATCHED"], "a") as file:
        file.write("watching\\n")
"""


async def test_a_server_connects_to_nothing_but_this_machine(tmp_path: Path) -> None:
    watched, folder = tmp_path / "watched.txt", tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH)
    server = new_server(tmp_path)
    server.env["PYTHONPATH"] = f"{folder}:{server.env['PYTHONPATH']}"
    server.env["WATCHED"] = str(watched)
    del server.env["LANGGRAPH_CLI_NO_ANALYTICS"]
    server.start()
    try:
        owner = server.as_user("owner", "")
        assert "Noted" in texts(await owner.say(None, "My sister Miriam moved to Lisbon."))[-1]
    finally:
        server.stop()
    assert watched.read_text().split() == ["watching"]
