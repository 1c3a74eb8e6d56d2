"""The description of the REST API as OpenAPI 3.1, made from the contracts, their comments and their rules."""
