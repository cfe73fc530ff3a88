{{- define "pgmoat.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "pgmoat.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pgmoat.metadata" -}}
name: {{ include "pgmoat.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "pgmoat.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "pgmoat.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What the init container and the container have in common. */}}
{{- define "pgmoat.container" -}}
image: {{ include "pgmoat.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
volumeMounts:
  # Whole folders and no subPath: a subPath never sees a renewed Secret.
  - name: config
    mountPath: /etc/pgmoat
    readOnly: true
  {{- with .Values.tls.secretName }}
  - name: tls
    mountPath: /etc/pgmoat-tls
    readOnly: true
  {{- end }}
  {{- with .Values.upstream.secretName }}
  - name: upstream
    mountPath: /etc/pgmoat-upstream
    readOnly: true
  {{- end }}
{{- end }}
