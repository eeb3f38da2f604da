{{- define "voted.name" -}}
{{- if contains "voted" .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-voted" .Release.Name }}{{ end }}
{{- end }}
{{- define "voted.labels" -}}
app.kubernetes.io/name: voted
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "voted.cluster" -}}
{{- $name := include "voted.name" . -}}
{{- range $i := until (int .Values.replicas) }}{{ if $i }},{{ end }}{{ $name }}-{{ $i }}={{ $name }}-{{ $i }}.{{ $name }}-peers:9080{{ end }}
{{- end }}
{{- define "voted.endpoints" -}}
{{- $name := include "voted.name" . -}}
{{- range $i := until (int .Values.replicas) }}{{ if $i }},{{ end }}https://{{ $name }}-{{ $i }}.{{ $name }}-peers:8080{{ end }}
{{- end }}
