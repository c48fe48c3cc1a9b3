"""A model in MiniLM's shape of 250 bytes, and a server that answers with JSON."""

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USAGE = {"prompt_tokens": 1, "total_tokens": 1}
# ONNX: the token with the number n has the vector that is 1 at place n and 0 elsewhere.
MODELS = {
    384: (
        "CAg67wEKSwoJaW5wdXRfaWRzCgVkZXB0aAoGdmFsdWVzEhFsYXN0X2hpZGRlbl9zdGF0ZSIGT25lSG90KhQKBGF4"
        "aXMY////////////AaABAhIEdGlueSoTEAdCBWRlcHRoSgiAAQAAAAAAACoWCAIQAUIGdmFsdWVzSggAAAAAAACA"
        "P1odCglpbnB1dF9pZHMSEAoOCAcSCgoDEgFiCgMSAXNaIgoOYXR0ZW50aW9uX21hc2sSEAoOCAcSCgoDEgFiCgMS"
        "AXNiKgoRbGFzdF9oaWRkZW5fc3RhdGUSFQoTCAESDwoDEgFiCgMSAXMKAwiAA0IECgAQDQ=="
    ),
    8: (
        "CAg67gEKSwoJaW5wdXRfaWRzCgVkZXB0aAoGdmFsdWVzEhFsYXN0X2hpZGRlbl9zdGF0ZSIGT25lSG90KhQKBGF4"
        "aXMY////////////AaABAhIEdGlueSoTEAdCBWRlcHRoSggIAAAAAAAAACoWCAIQAUIGdmFsdWVzSggAAAAAAACA"
        "P1odCglpbnB1dF9pZHMSEAoOCAcSCgoDEgFiCgMSAXNaIgoOYXR0ZW50aW9uX21hc2sSEAoOCAcSCgoDEgFiCgMS"
        "AXNiKQoRbGFzdF9oaWRkZW5fc3RhdGUSFAoSCAESDgoDEgFiCgMSAXMKAggIQgQKABAN"
    ),
}
WORDS = "[PAD] [UNK] dogs dog kittens puppy my the barks at cats tax office wrote".split()


def tiny_model(folder: Path, numbers: int = 384) -> Path:
    """Write the model and its tokenizer into a folder below `folder`; return that one."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    place = folder / f"model of {numbers}"
    place.mkdir(exist_ok=True)
    (place / "model.onnx").write_bytes(b64decode(MODELS[numbers]))
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))
    return place


@contextmanager
def json_server(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[str]:
    """Answer every POST on this machine with what `answer` makes of it; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(answer(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
