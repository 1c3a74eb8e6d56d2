{{/*
Jobs are ordinary resources, no hooks: `kubectl apply` knows no hooks, and the embedded database comes up in the same
step. They are tried again for days, and what needs what they make waits for it.
*/}}
{{- define "stateroom.keysJob" -}}
{{- $arguments := list }}
{{- $full := include "stateroom.fullname" . }}
{{- if not .Values.keys.existingSecret }}
{{- $arguments = concat $arguments (list "--keys" (include "stateroom.keysSecret" .)) }}
{{- end }}
{{- if or .Values.postgresql.embedded .Values.postgresql.cnpg.enabled }}
{{- $arguments = concat $arguments (list "--postgresql" (include "stateroom.postgresqlSecret" .) (printf "%s:5432" (include "stateroom.postgresqlHost" .))) }}
{{- end }}
{{- if .Values.nats.embedded }}
{{- $arguments = concat $arguments (list "--nats" (include "stateroom.natsSecret" .) (printf "%s-nats:4222" $full)) }}
{{- end }}
{{- if $arguments }}
backoffLimit: 1000
template:
  metadata:
    labels:
      {{- include "stateroom.labels" (dict "root" $ "component" "keys") | nindent 6 }}
  spec:
    serviceAccountName: {{ $full }}-keys
    restartPolicy: OnFailure
    {{- include "stateroom.podStart" (dict "root" $ "token" true) | nindent 4 }}
    containers:
      - name: keys
        {{- include "stateroom.containerStart" . | nindent 8 }}
        command: [python, -m, embedded.cluster_keys]
        args: {{ toJson $arguments }}
        resources:
          {{- include "stateroom.smallResources" . | nindent 10 }}
        volumeMounts:
          - {name: tmp, mountPath: /tmp}
    volumes:
      - name: tmp
        emptyDir: {sizeLimit: 16Mi}
{{- end }}
{{- end }}

{{- define "stateroom.migrateJob" -}}
backoffLimit: 1000
template:
  metadata:
    labels:
      {{- include "stateroom.labels" (dict "root" $ "component" "migrate") | nindent 6 }}
  spec:
    serviceAccountName: {{ include "stateroom.fullname" . }}-plain
    restartPolicy: OnFailure
    {{- include "stateroom.podStart" (dict "root" $) | nindent 4 }}
    containers:
      - name: migrate
        {{- include "stateroom.containerStart" . | nindent 8 }}
        {{- $parts := include "stateroom.components" . | fromYaml }}
        {{- $secret := include "stateroom.postgresqlSecret" . }}
        command: [python, -m, chassis.migrate, workspace, session, execution, audit]
        env:
          - {name: ADMIN_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: admin-url}}}
          {{- range $name, $part := $parts }}
          {{- if $part.database }}
          - {name: {{ upper $name }}_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $name }}-url}}}
          - {name: {{ upper $name }}_SYSTEM_DATABASE_URL, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $name }}-system-url}}}
          {{- end }}
          {{- end }}
        resources:
          {{- include "stateroom.smallResources" . | nindent 10 }}
        volumeMounts:
          - {name: tmp, mountPath: /tmp}
    volumes:
      - name: tmp
        emptyDir: {sizeLimit: 16Mi}
{{- end }}
