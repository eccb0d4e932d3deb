-- Version 7: what full lists hold stands beside the claims by their numbers, in a table and two indexes that grow at
-- few places (normalizers.claims.renewed_at). By random keys they took a seventh of the time of a first collection.
CREATE TABLE listing (
    claim INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    key BLOB NOT NULL,
    audience TEXT NOT NULL,
    renew_at INTEGER NOT NULL
);
INSERT INTO listing
    SELECT claim.id, claim.origin, was.key, claim.audience, was.renew_at FROM (
        SELECT origin, key, audience, renew_at FROM listing_recent WHERE renew_at IS NOT NULL UNION ALL
        SELECT origin, key, audience, renew_at FROM listing_settled s WHERE NOT EXISTS (
            SELECT 1 FROM listing_recent r WHERE r.origin = s.origin AND r.key = s.key AND r.audience = s.audience
        )
    ) was
    CROSS JOIN (SELECT key, id FROM claim_recent UNION ALL SELECT key, id FROM claim_settled) at ON at.key = was.key
    CROSS JOIN claim ON claim.id = at.id AND claim.origin = was.origin AND claim.audience = was.audience
    ORDER BY claim.id;
CREATE INDEX listing_origin ON listing (origin, claim);
CREATE INDEX listing_due ON listing (origin, renew_at, claim);
DROP TABLE listing_recent;
DROP TABLE listing_settled;
DELETE FROM settling WHERE name = 'listing';
