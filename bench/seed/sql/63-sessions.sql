-- each: sessions
-- Sessions of people all over; the cookie of none is known.
INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent, confirmed_at)
SELECT seed.id(s.now - seed.chance(g.n, 'signed in') * interval '7 days', g.n, 'session'), sha256(convert_to('session ' || g.n, 'UTF8')), p.id,
       s.now - seed.chance(g.n, 'signed in') * interval '7 days', s.now - seed.chance(g.n, 'signed in') * interval '2 days',
       s.now + interval '14 days', '192.0.2.' || g.n % 256, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0',
       s.now - seed.chance(g.n, 'signed in') * interval '7 days'
FROM generate_series($1::bigint, $2::bigint) g (n)
CROSS JOIN seed.scale s
JOIN seed.people p ON p.n = 1 + floor(seed.chance(g.n, 'whose') * s.people)::bigint
ORDER BY g.n;
