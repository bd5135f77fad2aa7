-- Who has access to which project, as what, and why: the one definition, which every reader uses (D2, C4, C8, X2).
-- Each of the three views is one reason to have access. They do not overlap, so that a list can read each in the order
-- of its index and merge them; `access` is all of them. The database's clock decides about end dates: it is one for all servers.

-- An organization's Admins, in every project.
CREATE VIEW access_organization_admins AS
SELECT p.organization_id, p.id AS project_id, m.user_id, m.name, m.role, 'organization_admin' AS because,
       m.added_by, m.added_at, NULL::timestamptz AS expires_at, false AS is_external
FROM projects p
JOIN members m ON m.organization_id = p.organization_id
WHERE m.role = 'admin';

-- Members, in the Default Project. (Who was given a role there has a row of their own: the view after this one.)
CREATE VIEW access_default_members AS
SELECT p.organization_id, p.id AS project_id, m.user_id, m.name, m.role, 'organization_member' AS because,
       m.added_by, m.added_at, NULL::timestamptz AS expires_at, false AS is_external
FROM projects p
JOIN members m ON m.organization_id = p.organization_id
WHERE p.is_default AND m.role = 'member'
  AND NOT EXISTS (
      SELECT FROM collaborators c
      WHERE c.organization_id = p.organization_id AND c.project_id = p.id AND c.user_id = m.user_id
  );

-- People who were added or given a role, members and externals, up to their end date.
CREATE VIEW access_collaborators AS
SELECT c.organization_id, c.project_id, c.user_id, c.name, c.role,
       CASE WHEN c.member_id IS NULL THEN 'external' WHEN p.is_default THEN 'organization_member' ELSE 'added' END AS because,
       c.added_by, c.added_at, c.expires_at, c.member_id IS NULL AS is_external
FROM collaborators c
JOIN projects p ON p.organization_id = c.organization_id AND p.id = c.project_id
-- D2: no end date ends the access that membership gives.
WHERE (p.is_default OR c.expires_at IS NULL OR c.expires_at > now())
  AND NOT EXISTS (
      SELECT FROM members m
      WHERE m.organization_id = c.organization_id AND m.user_id = c.user_id AND m.role = 'admin'
  );

CREATE VIEW access AS
SELECT * FROM access_organization_admins
UNION ALL
SELECT * FROM access_default_members
UNION ALL
SELECT * FROM access_collaborators;
