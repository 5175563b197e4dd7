{{- define "impetus.labels" -}}
app.kubernetes.io/name: impetus
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "impetus.selector" -}}
app.kubernetes.io/name: impetus
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "impetus.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "impetus.brokers" -}}
{{- if .Values.kafka.trial.enabled -}}
{{ list (printf "%s-kafka:9092" .Release.Name) | toJson }}
{{- else -}}
{{ .Values.kafka.brokers | toJson }}
{{- end -}}
{{- end }}

{{- define "impetus.urls" -}}
{{- if .Values.opensearch.trial.enabled -}}
{{ list (printf "http://%s-opensearch:9200" .Release.Name) | toJson }}
{{- else -}}
{{ .Values.opensearch.urls | toJson }}
{{- end -}}
{{- end }}

{{- define "impetus.clustered" -}}
{{- if or .Values.kafka.trial.enabled .Values.kafka.brokers }}true{{ end -}}
{{- end }}

{{- define "impetus.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "impetus.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "impetus.environment" -}}
{{- range $name, $from := .Values.secrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $from.name }}, key: {{ $from.key }}}
{{- end }}
{{- end }}

{{- define "impetus.mounts" -}}
- {name: data, mountPath: /var/lib/impetus}
- {name: settings, mountPath: /etc/impetus, readOnly: true}
- {name: run, mountPath: /run/impetus}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "impetus.volumes" -}}
- name: settings
  configMap: {name: {{ .Release.Name }}-settings}
- name: run
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- end }}

{{- define "impetus.claim" -}}
- metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .class }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ .size }}}}
{{- end }}
