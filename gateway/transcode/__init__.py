"""google.api.http: from a path, a query and a JSON body to a protobuf message, and back. Knows no network."""
