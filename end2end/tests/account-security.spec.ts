import { visit } from '../fixtures/pages.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

test('J6: a password that is guessed first is refused beside the field, and what else was typed stays', async ({
  page,
  tenant,
}) => {
  await visit(page, '/sign-up');
  await page.getByLabel('Name').fill('Nina Newman');
  await page.getByLabel('Email').fill(`nina@${tenant.tag}.test`);
  await page.getByLabel('Password').fill('passwordpassword');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByText('Repeated characters or words add little')).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue('Nina Newman');
  await expect(page.getByLabel('Email')).toHaveValue(`nina@${tenant.tag}.test`);
  await expect(page.getByLabel('Password')).toHaveValue('');
});

test('J7: a session that was left open asks for the password in the form, and keeps what was typed', async ({
  as,
  database,
  tenant,
}) => {
  const page = await as(tenant.manager);
  await database.query("UPDATE sessions SET confirmed_at = now() - interval '11 minutes' WHERE user_id = $1", [
    tenant.manager.id,
  ]);
  await visit(page, `/settings/projects/${tenant.open.slug}/api-keys?dialog=create`);
  const dialog = page.getByRole('dialog', { name: 'Create API Key' });
  await dialog.getByLabel('Name').fill('Nightly builds');
  await dialog.getByRole('button', { name: 'Create' }).click();
  const confirm = dialog.getByRole('group', { name: 'Confirm it’s you' });
  await expect(confirm).toBeVisible();
  await expect(dialog.getByLabel('Name')).toHaveValue('Nightly builds');
  await confirm.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog.getByText('This isn’t your current password.')).toBeVisible();
  await confirm.getByLabel('Password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByLabel('Secret key')).toBeVisible();
});
