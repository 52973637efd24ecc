{{- define "auriga.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels that never change: they select pods. Called with a dict of root and component. */}}
{{- define "auriga.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "auriga.labels" -}}
{{ include "auriga.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name and labels of an object of a component. */}}
{{- define "auriga.metadata" -}}
name: {{ include "auriga.fullname" .root }}-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "auriga.labels" . | nindent 2 }}
{{- end }}

{{- define "auriga.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- define "auriga.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}{{ default (printf "%s-%s" (include "auriga.fullname" .root) .component) $account.name }}
{{- else }}{{ default "default" $account.name }}{{ end }}
{{- end }}

{{- define "auriga.loadSecret" -}}
{{ default (printf "%s-load" (include "auriga.fullname" .)) .Values.loadSignal.existingSecret }}
{{- end }}

{{/* A value as the programs read it from a variable. Helm makes every number a float. */}}
{{- define "auriga.text" -}}
{{- if kindIs "map" . }}
{{- $pairs := list }}{{ range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end }}
{{- join "," $pairs }}
{{- else if kindIs "slice" . }}{{ join "," . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}
{{- else }}{{ . }}{{ end }}
{{- end }}

{{/* Settings as variables; what is empty is left to the program. */}}
{{- define "auriga.environment" -}}
{{- range $name, $value := . }}
{{- if or $value (kindIs "bool" $value) (kindIs "float64" $value) (kindIs "int64" $value) }}
- name: AURIGA_{{ snakecase $name | upper }}
  value: {{ include "auriga.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The rest of a pod, the same for both programs. */}}
{{- define "auriga.placement" -}}
{{- $values := index .root.Values .component }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
{{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "auriga.selector" . | nindent 8 }}
{{- end }}
{{- end }}

{{- define "auriga.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A Role or ClusterRole with the rules given, and its binding: one in each of `namespaces`, or one for the cluster. */}}
{{- define "auriga.rights" -}}
{{- $name := printf "%s-%s" (include "auriga.fullname" .root) .component }}
{{- $labels := include "auriga.labels" (dict "root" .root "component" .component) }}
{{- $account := include "auriga.serviceAccount" (dict "root" .root "component" .component) }}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .root.Values.namespaces)) }}
{{- $here := .root.Release.Namespace }}
{{- $rules := .rules }}
{{- range (default (list "") .root.Values.namespaces) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $kind | eq "Role" | ternary $name (printf "%s-%s" $here $name) }}
  {{- with . }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- $labels | nindent 4 }}
rules: {{- $rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $kind | eq "Role" | ternary $name (printf "%s-%s" $here $name) }}
  {{- with . }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- $labels | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $kind }}, name: {{ $kind | eq "Role" | ternary $name (printf "%s-%s" $here $name) }}}
subjects: [{kind: ServiceAccount, name: {{ $account }}, namespace: {{ $here }}}]
{{- end }}
{{- end }}
