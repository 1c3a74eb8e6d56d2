{{/* What a schema cannot say: values that must be there together. */}}
{{- define "stateroom.check" -}}
{{- $databases := 0 }}
{{- with .Values.postgresql }}
{{- range list .embedded .cnpg.enabled (ne .external.existingSecret "") }}{{ if . }}{{ $databases = add1 $databases }}{{ end }}{{ end }}
{{- end }}
{{- if ne (int $databases) 1 }}
{{- fail "PostgreSQL: set exactly one of postgresql.embedded=true, postgresql.cnpg.enabled=true and postgresql.external.existingSecret" }}
{{- end }}
{{- if eq .Values.nats.embedded (ne .Values.nats.external.existingSecret "") }}
{{- fail "NATS: set exactly one of nats.embedded=true and nats.external.existingSecret" }}
{{- end }}
{{- if and .Values.nats.embedded (ne (int .Values.nats.streamReplicas) 1) }}
{{- fail "nats.streamReplicas must be 1 with nats.embedded, which is one server" }}
{{- end }}
{{- with .Values.gateway }}
{{- if and (or .ingress.enabled .httpRoute.enabled) (not .host) }}
{{- fail "gateway.ingress and gateway.httpRoute need gateway.host" }}
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
{{- fail "gateway.httpRoute needs gateway.httpRoute.parentRefs" }}
{{- end }}
{{- if and .grpcRoute.enabled (not (and .grpcRoute.host .grpcRoute.parentRefs)) }}
{{- fail "gateway.grpcRoute needs gateway.grpcRoute.host and gateway.grpcRoute.parentRefs" }}
{{- end }}
{{- end }}
{{- end }}
