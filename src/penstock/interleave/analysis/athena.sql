-- Rankings and clicks as Athena tables, and who won each ranking.
--
-- Records are JSON lines under LOCATION/dt=YYYY-MM-DD/, as Firehose writes them with a dynamic or custom prefix. An
-- array is unnested by its indices, `UNNEST(SEQUENCE(...)) AS t (k)` and `items[k].field`: unnesting rows themselves
-- differs between versions of the engine. Limit `dt` in the first WHERE to limit what is scanned and paid for.

CREATE EXTERNAL TABLE IF NOT EXISTS {rankings} (
  `schema` string,
  `time` string,
  `experiment` string,
  `ranking_id` string,
  `mode` string,
  `setting` string,
  `method` string,
  `unit` string,
  `user` string,
  `bucket` int,
  `seed` string,
  `k` int,
  `offset` int,
  `rankers` array<string>,
  `competitive` boolean,
  `fallback_reason` string,
  `error` string,
  `settings` string,
  `parallel` boolean,
  `depth` array<int>,
  `ms` map<string, double>,
  `items` array<struct<item_id: string, position: int, source_ranker: string>>,
  `ranks` array<array<int>>,
  `credits` array<double>
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
LOCATION '{location}/rankings/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW',
  'storage.location.template' = '{location}/rankings/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS {clicks} (
  `ranking_id` string,
  `item_id` string,
  `time` string
)
PARTITIONED BY (`dt` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
LOCATION '{location}/clicks/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW',
  'storage.location.template' = '{location}/clicks/dt=${dt}/'
);

-- One row for each ranking that counts and each pair of its rankers. `worth` is positive where the first ranker won.
CREATE OR REPLACE VIEW {outcomes} AS
WITH pages AS ( -- the first line of each page: a repeated line is a retry
  SELECT *
  FROM (
    SELECT
      ranking_id, experiment, method, mode, "user", "time", rankers, competitive, fallback_reason, items, ranks, credits,
      ROW_NUMBER() OVER (PARTITION BY ranking_id, COALESCE("offset", 0) ORDER BY "time") AS line
    FROM {rankings}
    WHERE "schema" = 'penstock.interleave/1'
  ) AS lines
  WHERE line = 1
),
rankings AS ( -- all pages interleaved for a known user, none fallen back, the lists different on at least one
  SELECT ranking_id, MIN("time") AS began
  FROM pages
  GROUP BY ranking_id
  HAVING
    SUM(CASE WHEN mode = 'INTERLEAVE' AND fallback_reason IS NULL AND "user" IS NOT NULL THEN 0 ELSE 1 END) = 0
    AND SUM(CASE WHEN competitive = FALSE THEN 0 ELSE 1 END) > 0
),
filled AS (
  SELECT pages.*, rankings.began
  FROM pages
  JOIN rankings ON rankings.ranking_id = pages.ranking_id
  WHERE CARDINALITY(pages.items) > 0
),
shown AS (
  SELECT
    ranking_id, experiment, method, "user", began, rankers,
    items[k].item_id AS item_id,
    items[k].position AS position,
    items[k].source_ranker AS source_ranker,
    credits[k] AS credit,
    ranks,
    k
  FROM filled
  CROSS JOIN UNNEST(SEQUENCE(1, CARDINALITY(items))) AS t (k)
),
ranked AS (
  SELECT ranking_id, position, ranks[r][k] AS list_rank
  FROM shown
  CROSS JOIN UNNEST(SEQUENCE(1, CARDINALITY(ranks))) AS t (r)
),
contests AS ( -- where the lists begin to differ: above, a click says nothing about the rankers
  SELECT ranking_id, MIN(position) AS contest
  FROM ranked
  WHERE list_rank IS NULL OR list_rank <> position
  GROUP BY ranking_id
),
clicked AS ( -- several clicks on one item of a ranking count once
  SELECT shown.*
  FROM shown
  JOIN (SELECT DISTINCT ranking_id, item_id FROM {clicks}) AS hits
    ON hits.ranking_id = shown.ranking_id AND hits.item_id = shown.item_id
),
firsts AS (
  SELECT clicked.*, i FROM clicked CROSS JOIN UNNEST(SEQUENCE(1, CARDINALITY(rankers))) AS t (i)
),
seconds AS (
  SELECT firsts.*, j FROM firsts CROSS JOIN UNNEST(SEQUENCE(1, CARDINALITY(rankers))) AS t (j)
),
pairs AS (
  SELECT
    ranking_id, experiment, method, "user", began, position, source_ranker, credit, i, j,
    rankers[i] AS a,
    rankers[j] AS b,
    COALESCE(ranks[i][k], 2147483647) AS rank_a,
    COALESCE(ranks[j][k], 2147483647) AS rank_b
  FROM seconds
  WHERE i < j
),
heads AS ( -- balanced: the shortest heads of both lists that explain the lowest click (Joachims 2002)
  SELECT ranking_id, i, j, MAX_BY(LEAST(rank_a, rank_b), position) AS head
  FROM pairs
  GROUP BY ranking_id, i, j
),
worths AS (
  SELECT
    pairs.ranking_id, pairs.experiment, pairs.method, pairs.a, pairs.b,
    pairs."user" AS "user",
    pairs.began,
    SUM(
      CASE
        WHEN pairs.method IN ('optimized_v1', 'probabilistic_v1') THEN pairs.credit
        WHEN pairs.method = 'balanced_v1' THEN
          (CASE WHEN pairs.rank_a <= heads.head THEN 1.0 ELSE 0.0 END)
          - (CASE WHEN pairs.rank_b <= heads.head THEN 1.0 ELSE 0.0 END)
        WHEN contests.contest IS NULL OR pairs.position < contests.contest THEN 0.0
        WHEN pairs.source_ranker = pairs.a THEN 1.0
        WHEN pairs.source_ranker = pairs.b THEN -1.0
        ELSE 0.0
      END
    ) AS worth
  FROM pairs
  JOIN heads ON heads.ranking_id = pairs.ranking_id AND heads.i = pairs.i AND heads.j = pairs.j
  LEFT JOIN contests ON contests.ranking_id = pairs.ranking_id
  GROUP BY
    pairs.ranking_id, pairs.experiment, pairs.method, pairs.a, pairs.b, pairs."user", pairs.began
)
SELECT
  experiment, method, a, b, ranking_id, "user",
  SUBSTR(began, 1, 10) AS day,
  worth,
  CASE WHEN worth > 1e-4 THEN 1 WHEN worth < -1e-4 THEN -1 ELSE 0 END AS outcome
FROM worths;

-- Wins, losses and ties by day.
SELECT
  experiment, method, a, b, day,
  COUNT(*) AS rankings,
  COUNT(DISTINCT "user") AS users,
  SUM(CASE WHEN outcome = 1 THEN 1 ELSE 0 END) AS wins,
  SUM(CASE WHEN outcome = -1 THEN 1 ELSE 0 END) AS losses,
  SUM(CASE WHEN outcome = 0 THEN 1 ELSE 0 END) AS ties
FROM {outcomes}
GROUP BY experiment, method, a, b, day
ORDER BY experiment, method, a, b, day;

-- What each user's rankings came to: the units that a test may be run on. A mean over these rows is the headline.
SELECT
  experiment, method, a, b, "user",
  COUNT(*) AS rankings,
  SUM(outcome) AS total,
  SUM(worth) AS total_worth,
  CAST(SUM(outcome) AS DOUBLE) / COUNT(*) AS score
FROM {outcomes}
GROUP BY experiment, method, a, b, "user"
ORDER BY experiment, method, a, b, "user";
