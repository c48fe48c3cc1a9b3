"""The server connects to no other machine: its connections and look-ups are recorded."""

from pathlib import Path

from tests.server.dev.running import new_server, texts

RECORDER = """
import os, socket, sys

if "langgraph_cli" in sys.orig_argv:
    # Python's own event loop, whose connections can be recorded here.
    sys.modules["uvloop"] = None
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def record(host):
        if str(host) not in ("127.0.0.1", "::1", "localhost", "None", "0.0.0.0"):
            with open(os.environ["RECORD"], "a") as file:
                file.write(f"{host}\\n")

    def recorded_connect(self, address):
        record(address[0] if isinstance(address, tuple) else "localhost")
        return connect(self, address)

    def recorded_lookup(host, *args, **kwargs):
        record(host.decode() if isinstance(host, bytes) else host)
        return lookup(host, *args, **kwargs)

    socket.socket.connect, socket.getaddrinfo = recorded_connect, recorded_lookup
    with open(os.environ["RECORD"], "a") as file:
        file.write("watching\\n")
"""


async def test_a_server_connects_to_no_other_machine(tmp_path: Path) -> None:
    record, folder = tmp_path / "hosts.txt", tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(RECORDER)
    server = new_server(tmp_path)
    server.env["PYTHONPATH"] = f"{folder}:{server.env['PYTHONPATH']}"
    server.env["RECORD"] = str(record)
    del server.env["LANGGRAPH_CLI_NO_ANALYTICS"]
    server.start()
    try:
        owner = server.as_user("owner", "")
        assert "Noted" in texts(await owner.say(None, "My sister Miriam moved to Lisbon."))[-1]
    finally:
        server.stop()
    assert record.read_text().split() == ["watching"]
