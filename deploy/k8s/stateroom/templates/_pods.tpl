{{/* What every Pod of ours has: Pod Security "restricted". */}}
{{- define "stateroom.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "stateroom.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every Pod begins with: (dict "root" $ "token" whether it talks to the Kubernetes API). */}}
{{- define "stateroom.podStart" -}}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - {name: {{ . }}}
{{- end }}
{{- end }}
securityContext:
  {{- include "stateroom.podSecurity" . | nindent 2 }}
{{- end }}

{{/* What every container of our services image begins with. */}}
{{- define "stateroom.containerStart" -}}
image: {{ .Values.images.services | quote }}
imagePullPolicy: {{ .Values.images.pullPolicy }}
securityContext:
  {{- include "stateroom.containerSecurity" . | nindent 2 }}
{{- end }}

{{/* Resources of what runs for a moment. */}}
{{- define "stateroom.smallResources" -}}
requests: {cpu: 50m, memory: 128Mi}
limits: {cpu: "1", memory: 512Mi}
{{- end }}

{{/* A Job's name changes with what it does, because a Job cannot be changed: (dict "root" $ "component" … "spec" …). */}}
{{- define "stateroom.jobName" -}}
{{ include "stateroom.fullname" .root }}-{{ .component }}-{{ sha256sum .spec | trunc 8 }}
{{- end }}
