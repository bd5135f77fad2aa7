-- each: invitations
-- Four invitations in ten are of the large organization; most were accepted, a few are open. Their mail was sent.
WITH wanted AS (
    SELECT g.n, o.id AS organization, owner.id AS inviter, seed.id(i.at, g.n, 'invitation') AS id, i.at, seed.chance(g.n, 'fate') AS fate, s.now
    FROM generate_series($1::bigint, $2::bigint) g (n)
    CROSS JOIN seed.scale s
    CROSS JOIN LATERAL (SELECT s.now - interval '1 year' * seed.chance(g.n, 'invited') AS at) i
    JOIN seed.organizations o ON o.n = CASE WHEN g.n % 10 < 4 THEN 1 ELSE seed.zipf(seed.chance(g.n, 'inviting'), s.organizations) END
    JOIN seed.people owner ON owner.n = o.owner
), made AS (
    INSERT INTO invitations (organization_id, id, email, invited_by, created_at, sent_at, expires_at, accepted_at, revoked_at)
    SELECT organization, id, 'guest' || n || '@partner.test', inviter, at, at,
           CASE WHEN fate >= 0.9 THEN now + interval '7 days' ELSE at + interval '7 days' END,
           CASE WHEN fate < 0.6 THEN at + interval '1 day' END, CASE WHEN fate >= 0.6 AND fate < 0.75 THEN at + interval '2 days' END
    FROM wanted ORDER BY at
    RETURNING organization_id, id, created_at
)
INSERT INTO outbox (id, kind, organization_id, invitation_id, created_at, attempts, next_attempt_at, sent_at)
SELECT seed.id(created_at, hashtextextended(id::text, 0), 'mail'), 'invitation', organization_id, id, created_at, 1, created_at,
       created_at + interval '2 seconds'
FROM made;
