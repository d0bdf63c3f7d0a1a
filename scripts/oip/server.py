"""`Server`: the server that is asked, with every client of it."""

from .case import NotOffered, Refused
from .clients import all_clients
from .plain_http import PlainHttp


class Server:
    def __init__(self, http, grpc, models):
        self.http_address, self.grpc_address = http, grpc
        self.models = models
        self.http = PlainHttp(http)
        self.clients = all_clients(http, grpc)
        self._offered = {}

    def close(self):
        for client in self.clients.values():
            client.close()

    @property
    def extensions(self):
        metadata = self.http.get("v2")
        found = metadata.json().get("extensions", []) if metadata.status == 200 else []
        return [name.split("(")[0] for name in found or []]

    def model(self, kind):
        """The model for tensors of a type, `pair` (INT64 and FP32), `all` (every type), or `spare` (FP32, to be unloaded)."""
        if kind not in self.models:
            raise NotOffered(f"the server has no model for {kind}")
        return self.models[kind]

    def needs(self, extension, protocol="http"):
        """Ends the case as not offered when the server neither lists an extension nor answers its plainest request."""
        key = (extension, protocol)
        if key not in self._offered:
            self._offered[key] = self._probe(extension, protocol)
        if self._offered[key] is not None:
            raise NotOffered(self._offered[key])

    def _probe(self, extension, protocol):
        if extension in self.extensions:
            return None
        model = self.model("FP32")
        http = self.http
        plain = {
            "statistics": lambda: http.get(f"v2/models/{model}/stats"),
            "model_repository": lambda: http.post("v2/repository/index", {}),
            "model_configuration": lambda: http.get(f"v2/models/{model}/config"),
            "system_shared_memory": lambda: http.get("v2/systemsharedmemory/status"),
            "cuda_shared_memory": lambda: http.get("v2/cudasharedmemory/status"),
            "trace": lambda: http.get("v2/trace/setting"),
            "logging": lambda: http.get("v2/logging"),
            "generate": lambda: http.post(f"v2/models/{model}/generate", {}),
        }
        triton = self.clients["triton-grpc"].client
        calls = {
            "statistics": lambda: triton.get_inference_statistics(model),
            "model_repository": lambda: triton.get_model_repository_index(),
            "model_configuration": lambda: triton.get_model_config(model),
            "system_shared_memory": lambda: triton.get_system_shared_memory_status(),
        }
        if protocol == "http" and extension in plain:
            status = plain[extension]().status
            return f"not in the server's extensions, and its path answers {status}" if status in (404, 405, 501) else None
        if protocol == "grpc" and extension in calls:
            try:
                self.clients["triton-grpc"].told(calls[extension])
            except Refused as refused:
                if refused.status == "UNIMPLEMENTED":
                    return "not in the server's extensions, and its call is unimplemented"
            return None
        return f"{extension} is not in the server's extensions"

    def versions(self, model):
        """The versions that a model may be asked for."""
        metadata = self.http.ok(self.http.get(f"v2/models/{model}"))
        found = metadata.get("versions") or []
        if not found:
            raise NotOffered("the model's metadata names no versions")
        return found
