-- Besides the role and the reason that count, `access` answers every reason somebody has, as `because:role`, the one
-- that counts first (C1, R3): organization Admin, direct Admin, direct Member, member in the Default Project. The order
-- is that of `policy::Reason`. The earlier columns keep their place and meaning, so that servers of the release before
-- go on reading them.

-- Readers lock `access` before the views it is made of. So does this migration: the other way round they could
-- deadlock. Changing an option is what locks this one view and no table under it.
ALTER VIEW access RESET (security_barrier);

-- What a row in `collaborators` gives up to its end date, whether or not it counts. In the Default Project a row sets
-- the role of an access that membership gives (D2): it is a reason of its own if it gives more, and its end date is
-- ignored.
CREATE VIEW access_direct AS
SELECT c.organization_id, c.project_id, c.user_id, c.name, c.role,
       CASE WHEN c.member_id IS NULL THEN 'external'
            WHEN p.is_default THEN 'organization_member'
            ELSE 'added' END AS because,
       c.added_by, c.added_at, c.expires_at, c.member_id IS NULL AS is_external,
       CASE WHEN c.member_id IS NULL THEN ARRAY['external:' || c.role]
            WHEN NOT p.is_default THEN ARRAY['added:' || c.role]
            WHEN c.role = 'admin' THEN ARRAY['organization_member:admin', 'organization_member:member']
            ELSE ARRAY['organization_member:member'] END AS reasons
FROM collaborators c
JOIN projects p ON p.organization_id = c.organization_id AND p.id = c.project_id
WHERE p.is_default OR c.expires_at IS NULL OR c.expires_at > statement_timestamp();

-- Each of the three views below has the people with whom its reason counts, so they do not overlap: a list reads each
-- in the order of its index and merges them. Reasons are computed for the rows that are answered, and only for readers
-- that ask.

-- An organization's Admins, in every project (C4). A row of theirs in `collaborators` is a reason, and does not count.
CREATE OR REPLACE VIEW access_organization_admins AS
SELECT p.organization_id, p.id AS project_id, m.user_id, m.name, m.role, 'organization_admin' AS because,
       m.added_by, m.added_at, NULL::timestamptz AS expires_at, false AS is_external,
       ARRAY['organization_admin:admin'] || COALESCE(
           (SELECT d.reasons FROM access_direct d
            WHERE d.organization_id = p.organization_id AND d.project_id = p.id AND d.user_id = m.user_id),
           CASE WHEN p.is_default THEN ARRAY['organization_member:member'] END
       ) AS reasons
FROM projects p
JOIN members m ON m.organization_id = p.organization_id
WHERE m.role = 'admin';

-- Members, in the Default Project (D2), if they have no row there.
CREATE OR REPLACE VIEW access_default_members AS
SELECT p.organization_id, p.id AS project_id, m.user_id, m.name, m.role, 'organization_member' AS because,
       m.added_by, m.added_at, NULL::timestamptz AS expires_at, false AS is_external,
       ARRAY['organization_member:member'] AS reasons
FROM projects p
JOIN members m ON m.organization_id = p.organization_id
WHERE p.is_default AND m.role = 'member'
  AND NOT EXISTS (
      SELECT FROM collaborators c
      WHERE c.organization_id = p.organization_id AND c.project_id = p.id AND c.user_id = m.user_id
  );

-- People who were added or given a role, members and externals (C2, X2), if they are no organization Admins.
CREATE OR REPLACE VIEW access_collaborators AS
SELECT d.organization_id, d.project_id, d.user_id, d.name, d.role, d.because,
       d.added_by, d.added_at, d.expires_at, d.is_external, d.reasons
FROM access_direct d
WHERE NOT EXISTS (
    SELECT FROM members m
    WHERE m.organization_id = d.organization_id AND m.user_id = d.user_id AND m.role = 'admin'
);

-- One row for each person and project.
CREATE OR REPLACE VIEW access AS
SELECT * FROM access_organization_admins
UNION ALL
SELECT * FROM access_default_members
UNION ALL
SELECT * FROM access_collaborators;
