"""How services of ours call and answer each other over gRPC."""
