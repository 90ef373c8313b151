-- The durable record of each run's status and result. Not a queue: the consumer group decides who runs what.
CREATE TABLE IF NOT EXISTS agent_run (
    run_id       text PRIMARY KEY,
    workflow_id  text NOT NULL,
    parameters   jsonb NOT NULL,
    priority     smallint NOT NULL,
    status       text NOT NULL,
    result       jsonb,
    error        text,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    completed_at timestamptz
);
CREATE INDEX IF NOT EXISTS agent_run_created ON agent_run (created_at DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS agent_run_workflow ON agent_run (workflow_id, created_at DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS agent_run_active ON agent_run (status, created_at) WHERE completed_at IS NULL;
