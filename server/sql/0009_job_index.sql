-- A lane looks for jobs of its own names only. Graphile's indexes begin with the priority, so a lane with nothing to do read
-- past every due job of the others: 29 ms a look, each worker each second, with 150,000 timers of abandoned orders due.
create index housefull_jobs_by_task on graphile_worker._private_jobs (task_id, priority, run_at) where is_available;
