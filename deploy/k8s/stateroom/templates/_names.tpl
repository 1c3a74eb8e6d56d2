{{- define "stateroom.fullname" -}}
{{- if contains "stateroom" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-stateroom" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* What selects the Pods of a component: (dict "root" $ "component" "session"). */}}
{{- define "stateroom.selector" -}}
app.kubernetes.io/name: stateroom
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "stateroom.labels" -}}
{{ include "stateroom.selector" . }}
app.kubernetes.io/part-of: stateroom
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "stateroom.roomsNamespace" -}}
{{- .Values.rooms.namespace | default .Release.Namespace -}}
{{- end }}

{{/* What rooms' Pods are selected by; the workspace service labels them so. */}}
{{- define "stateroom.roomSelector" -}}
app.kubernetes.io/name: stateroom-room
app.kubernetes.io/component: room
{{- end }}

{{- define "stateroom.keysSecret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "stateroom.fullname" .)) -}}
{{- end }}

{{- define "stateroom.postgresqlSecret" -}}
{{- .Values.postgresql.external.existingSecret | default (printf "%s-postgresql" (include "stateroom.fullname" .)) -}}
{{- end }}

{{- define "stateroom.natsSecret" -}}
{{- .Values.nats.external.existingSecret | default (printf "%s-nats" (include "stateroom.fullname" .)) -}}
{{- end }}

{{- define "stateroom.postgresqlHost" -}}
{{- printf "%s-postgresql%s" (include "stateroom.fullname" .) (ternary "-rw" "" .Values.postgresql.cnpg.enabled) -}}
{{- end }}

{{- define "stateroom.previewUrl" -}}
{{- with .Values.gateway }}
{{- if .previewHost -}}
{{ ternary "https" "http" .tls }}://{{ .previewHost }}
{{- else -}}
http://preview.localhost:8080
{{- end }}
{{- end }}
{{- end }}
