"""A bare gRPC server that answers with one row: no credential, no policy, no validation, no account."""

import asyncio
import sys
from typing import Any
from uuid import UUID

import asyncpg
import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

METHOD = "/bare.Reading/GetApiKey"
POOL = 8
"""Connections, as many as a service has."""

_SELECT = "SELECT * FROM workspace.api_keys WHERE api_key_id = $1"


async def serve(database_url: str) -> None:
    """Serve on a free port until the process is stopped."""
    pool = await asyncpg.create_pool(database_url, min_size=POOL, max_size=POOL)

    async def get(request: pb.GetApiKeyRequest, _context: object) -> pb.ApiKey:
        return _message(await pool.fetchrow(_SELECT, UUID(request.api_key_id)))

    handler = grpc.unary_unary_rpc_method_handler(
        get, request_deserializer=pb.GetApiKeyRequest.FromString, response_serializer=pb.ApiKey.SerializeToString
    )
    service, _, name = METHOD[1:].rpartition("/")
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


def _message(row: Any) -> pb.ApiKey:  # asyncpg's record is untyped here
    message = pb.ApiKey(
        api_key_id=str(row["api_key_id"]),
        name=row["name"],
        key_prefix=row["key_prefix"],
        scopes=row["scopes"],
        state=pb.ApiKey.State.Value(row["state"]),
    )
    message.create_time.FromDatetime(row["create_time"])
    message.update_time.FromDatetime(row["update_time"])
    return message


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
