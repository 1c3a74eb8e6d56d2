{{/* A peer by component, in the release's namespace: (dict "root" $ "component" …). */}}
{{- define "stateroom.peer" -}}
namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .root.Release.Namespace }}}}
podSelector:
  matchLabels:
    {{- include "stateroom.selector" . | nindent 4 }}
{{- end }}

{{- define "stateroom.roomPeer" -}}
namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ include "stateroom.roomsNamespace" . }}}}
podSelector:
  matchLabels:
    {{- include "stateroom.roomSelector" . | nindent 4 }}
{{- end }}

{{/* A rule for TCP: (dict "way" "to" or "from" "peers" … "ports" …). */}}
{{- define "stateroom.rule" -}}
- {{ .way }}:
    {{- toYaml .peers | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{- define "stateroom.dnsRule" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* The internet, and nothing that is inside: (dict "root" $ "allowed" networks that may be reached all the same). */}}
{{- define "stateroom.internetRule" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{ toJson .root.Values.rooms.privateRanges }}
    - ipBlock:
        cidr: "::/0"
        except: {{ toJson .root.Values.rooms.privateRanges6 }}
    {{- range .allowed }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    - {protocol: TCP, port: 1, endPort: 65535}
{{- end }}

{{- define "stateroom.databasePeers" -}}
{{- $scope := dict "root" . "component" "postgresql" }}
{{- if .Values.postgresql.embedded }}
- {{ include "stateroom.peer" $scope | nindent 2 | trim }}
{{- else if .Values.postgresql.cnpg.enabled }}
- podSelector: {matchLabels: {cnpg.io/cluster: {{ include "stateroom.fullname" . }}-postgresql}}
{{- else }}
{{- toYaml .Values.networkPolicy.postgresql }}
{{- end }}
{{- end }}

{{- define "stateroom.natsPeers" -}}
{{- if .Values.nats.embedded }}
- {{ include "stateroom.peer" (dict "root" . "component" "nats") | nindent 2 | trim }}
{{- else }}
{{- toYaml .Values.networkPolicy.nats }}
{{- end }}
{{- end }}

{{/* Who connects to a component, as a list of peers: (dict "root" $ "callers" names of components). */}}
{{- define "stateroom.callers" -}}
{{- range .callers }}
- {{ include "stateroom.peer" (dict "root" $.root "component" .) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{- define "stateroom.otlpPort" -}}
{{- $host := (urlParse .Values.otlpEndpoint).host -}}
{{- ternary (last (splitList ":" $host)) (ternary "443" "80" (hasPrefix "https" .Values.otlpEndpoint)) (contains ":" $host) -}}
{{- end }}
