-- Version 1. Checked answers of models, by everything that changes them.

create table answer (
    key text primary key,
    body text not null,
    made_at real not null               -- seconds since 1970
);

create index answer_by_age on answer (made_at);
