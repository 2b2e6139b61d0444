-- Version 1. One row per job, per chunk of a job, and per item that has an outcome.

create table job (
    number integer primary key,
    id text not null unique,
    system text not null,
    fingerprint text not null,          -- equal for equal commands: how the same command finds its job again
    config text not null,               -- JSON; holds no secret
    folder text not null,
    status text not null,
    rows integer not null,
    error text not null,
    stop_requested integer not null default 0,
    created_at real not null,           -- seconds since 1970
    updated_at real not null
);

create index job_by_fingerprint on job (fingerprint, created_at);

create table chunk (
    job integer not null references job,
    number integer not null,
    first_row integer not null,
    rows integer not null,
    digest text not null,               -- of the chunk's items, so that a changed source is known
    status text not null,
    retry_count integer not null,
    failed integer not null,            -- items that ended as failures
    last_error text not null,
    updated_at real not null,
    primary key (job, number)
) without rowid;

create table outcome (
    job integer not null references job,
    row integer not null,
    part integer not null,
    digest text not null,
    standing integer not null,          -- 0 verdict, 1 failure for good, 2 failure that may succeed later
    body text not null,                 -- JSON
    primary key (job, row, part)
) without rowid;

create index unsettled on outcome (job, standing) where standing > 0;
