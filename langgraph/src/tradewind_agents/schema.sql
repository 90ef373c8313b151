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
-- Created by an earlier version; no query uses them.
DROP INDEX IF EXISTS agent_run_created, agent_run_workflow, agent_run_active;
