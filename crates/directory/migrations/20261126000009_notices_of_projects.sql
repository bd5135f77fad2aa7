-- J8: a person is told as well when they become an Admin of a project.
ALTER TABLE outbox DROP CONSTRAINT outbox_notice_known;
ALTER TABLE outbox ADD CONSTRAINT outbox_notice_known CHECK (notice IN ('new_device', 'password_changed', 'email_changed',
    'ssh_key_added', 'became_owner', 'became_admin', 'became_project_admin'));
