"""A model of 250 bytes with MiniLM's inputs and outputs, and a server that answers JSON."""

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USAGE = {"prompt_tokens": 1, "total_tokens": 1}
# ONNX models: token n has the vector with 1 at position n and 0 elsewhere.
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


def tiny_model(folder: Path, dimensions: int = 384) -> Path:
    """Write the model and its tokenizer into a subfolder of `folder` and return its path."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    model_folder = folder / f"model of {dimensions}"
    model_folder.mkdir(exist_ok=True)
    (model_folder / "model.onnx").write_bytes(b64decode(MODELS[dimensions]))
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(model_folder / "tokenizer.json"))
    return model_folder


@contextmanager
def json_server(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[str]:
    """Serve `answer(body)` as JSON for each POST on a local port; yield the base URL."""

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
