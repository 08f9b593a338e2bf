{{/* The release's name, with the chart's where it does not say it already. */}}
{{- define "chinwag.name" -}}
{{- if contains "chinwag" .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-chinwag" .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What the pods are found by; never changes in the life of a release. */}}
{{- define "chinwag.selector" -}}
app.kubernetes.io/name: chinwag
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chinwag.labels" -}}
{{ include "chinwag.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}
