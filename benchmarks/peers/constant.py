"""A gRPC server that answers with the same bytes at once: what is measured in front of it is not waiting for it."""

from typing import Any

import uvloop
from stateroom.workspace.v1 import identity_service_pb2 as pb
from typing_extensions import override

from chassis import ids  # before grpc, which reads the settings that chassis makes for it

import grpc  # isort: skip

LISTED = 50
_KEY = pb.ApiKey(
    api_key_id=str(ids.new()), name="bench", key_prefix="srk_bench", scopes=["*"], state=pb.ApiKey.ACTIVE, etag='"1"'
)
_KEY.create_time.GetCurrentTime()
_KEY.update_time.GetCurrentTime()
ANSWERS = {
    "GetApiKey": _KEY,
    "ListApiKeys": pb.ListApiKeysResponse(api_keys=[_KEY] * LISTED),
    "ExchangeCredential": pb.ExchangeCredentialResponse(token="constant"),  # noqa: S106  # nobody checks it
}


class Constant(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves every method that has an answer."""

    def __init__(self) -> None:
        self._handlers = {name: _handler(answer.SerializeToString()) for name, answer in ANSWERS.items()}

    @override
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a method, as gRPC asks for it."""
        return self._handlers.get(details.method.rpartition("/")[2])


def _handler(answer: bytes) -> Any:
    async def respond(_request: bytes, _context: object) -> bytes:
        return answer

    return grpc.unary_unary_rpc_method_handler(respond)


async def serve() -> None:
    """Serve on a free port until the process is stopped."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Constant(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve())
