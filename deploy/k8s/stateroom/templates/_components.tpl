{{/*
The processes: where each listens, whom it calls, and what else it may reach. Everything of the chart that is per
component goes through this table; a test holds `calls` and the marks against the code.
*/}}
{{- define "stateroom.components" -}}
workspace: {module: services.workspace, port: 7101, calls: [], database: true, runners: true, kubernetes: true, keys: [bootstrap.token]}
session: {module: services.session, port: 7102, calls: [workspace], database: true, runners: true}
execution: {module: services.execution, port: 7103, calls: [workspace, session, execution], database: true, runners: true, internet: true, keys: [sealing-keys.json]}
audit: {module: services.audit, port: 7104, calls: [workspace, session, execution], database: true}
gateway: {module: gateway, port: 8080, calls: [workspace, session, execution, audit]}
{{- end }}

{{/* A component with the values of `defaults` that it does not set itself: (dict "root" $ "component" "session"). */}}
{{- define "stateroom.settings" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (get .root.Values .component)) | toYaml -}}
{{- end }}

{{/* Environment of a component: (dict "root" $ "component" … "part" its entry above "settings" its values). */}}
{{- define "stateroom.environment" -}}
{{- $root := .root }}
{{- $full := include "stateroom.fullname" $root }}
{{- $values := $root.Values }}
{{- $parts := include "stateroom.components" $root | fromYaml }}
{{- $env := dict "LOG_LEVEL" $values.logLevel "METRICS_LISTEN" "0.0.0.0:9100" }}
{{- $_ := set $env "TRUST_KEYS_FILE" "/etc/stateroom/keys/trust.jwks" }}
{{- $_ := set $env "SIGNING_KEY_FILE" (printf "/etc/stateroom/keys/%s.jwk" .component) }}
{{- $_ := set $env "DRAIN_SECONDS" (toString .settings.drainSeconds) }}
{{- $_ := set $env "STOP_GRACE_SECONDS" (toString .settings.stopGraceSeconds) }}
{{- with $values.otlpEndpoint }}{{ $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . }}{{ end }}
{{- range .part.calls }}
{{- $_ := set $env (printf "%s_ADDRESS" (upper .)) (printf "dns:///%s-%s:%v" $full . (get $parts .).port) }}
{{- end }}
{{- if .part.database }}
{{- $_ := set $env "LISTEN" (printf "0.0.0.0:%v" .part.port) }}
{{- $_ := set $env "EVENT_KEYS_FILE" "/etc/stateroom/keys/event-keys.json" }}
{{- /* Clients find replicas that came since. */}}
{{- $_ := set $env "MAX_CONNECTION_AGE_SECONDS" "300" }}
{{- $_ := set $env "STREAM_REPLICAS" (toString $values.nats.streamReplicas) }}
{{- end }}
{{- $own := include (printf "stateroom.environment.%s" .component) $root | fromYaml }}
{{- range $name, $value := mergeOverwrite $env $own (.settings.env | default dict) }}
- {name: {{ $name }}, value: {{ toString $value | quote }}}
{{- end }}
{{- if .part.database }}
{{- $postgresql := include "stateroom.postgresqlSecret" $root }}
- {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $postgresql }}, key: {{ .component }}-url}}}
- {name: SYSTEM_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $postgresql }}, key: {{ .component }}-system-url}}}
- {name: NATS_URL, valueFrom: {secretKeyRef: {name: {{ include "stateroom.natsSecret" $root }}, key: {{ .component }}-url}}}
{{- end }}
{{- end }}

{{- define "stateroom.environment.workspace" -}}
{{- $rooms := .Values.rooms }}
PLACEMENT: kubernetes
DATA_DIRECTORY: /var/lib/stateroom
RUNTIME_DIRECTORY: /run/stateroom
BOOTSTRAP_TOKEN_FILE: /etc/stateroom/keys/bootstrap.token
SIGN_UP: {{ .Values.signUp }}
ROOM_NAMESPACE: {{ include "stateroom.roomsNamespace" . }}
ROOM_IMAGE: {{ $rooms.image | default .Values.images.runner | quote }}
ROOM_SIZE: {{ $rooms.size | quote }}
ROOM_CPU_REQUEST: {{ $rooms.resources.requests.cpu | quote }}
ROOM_MEMORY_REQUEST: {{ $rooms.resources.requests.memory | quote }}
ROOM_CPU_LIMIT: {{ $rooms.resources.limits.cpu | quote }}
ROOM_MEMORY_LIMIT: {{ $rooms.resources.limits.memory | quote }}
{{- with $rooms.storageClass }}
ROOM_STORAGE_CLASS: {{ . }}
{{- end }}
{{- with $rooms.runtimeClass }}
ROOM_RUNTIME_CLASS: {{ . }}
{{- end }}
{{- with $rooms.nodeSelector }}
ROOM_NODE_SELECTOR: {{ toJson . | quote }}
{{- end }}
{{- with $rooms.pullSecret }}
ROOM_PULL_SECRET: {{ . }}
{{- end }}
{{- end }}

{{- define "stateroom.environment.session" -}}
PREVIEW_URL: {{ include "stateroom.previewUrl" . }}
{{- end }}

{{- define "stateroom.environment.execution" -}}
SEALING_KEYS_FILE: /etc/stateroom/keys/sealing-keys.json
EGRESS_ALLOWED: {{ join "," .Values.execution.egressAllowed | quote }}
{{- end }}

{{- define "stateroom.environment.audit" -}}
{{- end }}

{{- define "stateroom.environment.gateway" -}}
{{- $origins := .Values.gateway.allowedOrigins }}
{{- with .Values.gateway.host }}
{{- $origins = append $origins (printf "%s://%s" (ternary "https" "http" $.Values.gateway.tls) .) }}
{{- end }}
HTTP_LISTEN: 0.0.0.0:8080
PREVIEW_URL: {{ include "stateroom.previewUrl" . }}
ALLOWED_ORIGINS: {{ toJson $origins | quote }}
{{- end }}
