#!/usr/bin/env bash
# A class of Kafka's on the class path of the image.
set -euo pipefail
log4j="/opt/kafka/config/log4j2.yaml"
[[ -f "${log4j}" && "${1}" == kafka.Kafka ]] || log4j=/etc/kafka/docker/tools-log4j2.yaml
# shellcheck disable=SC2086 # the variables hold lists of options
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC} ${KAFKA_JMX_OPTS:-} ${KAFKA_OPTS:-} \
    "-Dlog4j2.configurationFile=${log4j}" -cp "/opt/kafka/libs/*" "$@"
