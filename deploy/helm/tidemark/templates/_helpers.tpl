{{- define "tidemark.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "tidemark.selector" -}}
app.kubernetes.io/name: tidemark
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tidemark.labels" -}}
{{ include "tidemark.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tidemark.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "tidemark.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* "nats" or "sqlite": where the journal is. */}}
{{- define "tidemark.journal" -}}
{{- if hasKey (.Values.job.journal | default dict) "nats" -}}nats{{- else -}}sqlite{{- end -}}
{{- end }}

{{- define "tidemark.port" -}}
{{- $http := .Values.job.http -}}
{{- if kindIs "map" $http -}}
{{- if not (has ($http.host | default "127.0.0.1") (list "0.0.0.0" "::")) -}}
{{- fail "job.http.host: expected 0.0.0.0, or the kubelet's probes do not reach it" -}}
{{- end -}}
{{- $http.port | default 8787 | int -}}
{{- else -}}
{{- fail "job.http: expected { host: 0.0.0.0, port: 8787 }; the probes of the pod ask it" -}}
{{- end -}}
{{- end }}

{{- define "tidemark.pod" -}}
metadata:
  labels:
    {{- include "tidemark.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Another job file is another pod.
    checksum/job: {{ toYaml .Values.job | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tidemark.serviceAccount" . }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: tidemark
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: ["run", "/var/lib/tidemark/job.yaml"]
      {{- with .Values.env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ include "tidemark.port" . }}
      # The first start may wait for Kafka, the journal or the destination: it lives, and is not ready.
      livenessProbe:
        httpGet: { path: /livez, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 5
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: state, mountPath: /var/lib/tidemark }
        - { name: job, mountPath: /var/lib/tidemark/job.yaml, subPath: job.yaml, readOnly: true }
        - { name: tmp, mountPath: /tmp }
        {{- with .Values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: job
      configMap: { name: {{ include "tidemark.name" . }}-job }
    - name: tmp
      emptyDir: {}
    {{- if eq (include "tidemark.journal" .) "nats" }}
    # Which member of the group this is; a new pod does without.
    - name: state
      emptyDir: {}
    {{- end }}
    {{- with .Values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
