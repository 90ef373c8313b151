"""The broker's own files: server.properties and its log configuration, as `components.md` measured them."""

from dataclasses import dataclass
from pathlib import Path
from string import Template

SERVER_FILE = "server.properties"
LOG4J_FILE = "log4j2.properties"

SERVER = Template("""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data/records

# A topic exists because the stack made it, with stated partitions and retention.
auto.create.topics.enable=false
num.partitions=1

# One node: every internal topic has one replica.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4

# A killed consumer or broker is replaced within seconds, not within a minute.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.consumer.assignment.interval.ms=0
group.consumer.assignor.offload.enable=false
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=300
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000

# Small: this node shares the machine with the rest of the stack.
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.threads=1
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=1
num.replica.alter.log.dirs.threads=1
metadata.max.idle.interval.ms=0
""")

LOG4J = Template("""\
status=warn
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=$logs/kafka.log
appender.file.filePattern=$logs/kafka.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{ISO8601} %p %m (%c)%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
""")


@dataclass(frozen=True)
class BrokerFiles:
    """Where the broker's configuration was written."""

    server: Path
    log4j: Path


def write(data: Path, logs: Path, port: int, controller_port: int) -> BrokerFiles:
    """Write both files into `data` at each start, so that ports and folders are always this run's."""
    files = BrokerFiles(data / SERVER_FILE, data / LOG4J_FILE)
    files.server.write_text(SERVER.substitute(port=port, controller_port=controller_port, data=data))
    files.log4j.write_text(LOG4J.substitute(logs=logs))
    return files
