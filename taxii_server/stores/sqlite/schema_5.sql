-- Version 5: how many values a feed listed is known for each audience by itself. What was counted together before is
-- counted anew; until then no list looks as if it had shrunk.
UPDATE feed SET body = CAST(json_set(CAST(body AS TEXT), '$.listed', json('{}')) AS BLOB)
    WHERE json_type(CAST(body AS TEXT), '$.listed') = 'integer';
