import type { Page } from '@playwright/test';

import { InvitationsScreen } from '../fixtures/organization.ts';
import { CollaboratorsScreen, expectFieldError, notice, visit } from '../fixtures/pages.ts';
import { SshKeysScreen } from '../fixtures/ssh.ts';
import { expect, test } from '../fixtures/test.ts';

/** A browser as it is on plain http: without a clipboard to write to; and, if it says so, without the way of before. */
async function withoutClipboard(page: Page, copies: boolean): Promise<void> {
  await page.context().addInitScript((copies) => {
    Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
    if (!copies) {
      document.execCommand = () => false;
    }
  }, copies);
}

test.describe('Copy without a clipboard @scripts', () => {
  test('it copies the way of before', async ({ as, tenant }) => {
    const page = await as(tenant.admin);
    await withoutClipboard(page, true);
    const { inviting } = await InvitationsScreen.open(page, tenant.organization);
    await inviting.invite(tenant.address('nina'));
    const copy = inviting.dialog.getByRole('button', { name: 'Copy' });
    await copy.click();
    await expect(inviting.dialog.getByRole('button', { name: 'Copied' })).toBeFocused();
    const link = await inviting.link.inputValue();
    await inviting.done.click();
    await visit(page, '/settings/profile');
    await page.getByLabel('Name').fill('');
    await page.getByLabel('Name').press('ControlOrMeta+v');
    await expect(page.getByLabel('Name')).toHaveValue(link);
  });

  test('or selects the text, and says which keys to press', async ({ as, tenant }) => {
    const page = await as(tenant.admin);
    await withoutClipboard(page, false);
    const { inviting } = await InvitationsScreen.open(page, tenant.organization);
    await inviting.invite(tenant.address('nina'));
    await inviting.dialog.getByRole('button', { name: 'Copy' }).click();
    await expect(inviting.dialog.getByText('press Ctrl+C')).toBeVisible();
    await expect(inviting.link).toBeFocused();
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(await inviting.link.inputValue());
  });
});

test('an address is taken as a mail program gives it, and several are told to be', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const screen = await CollaboratorsScreen.open(await as(tenant.manager), tenant.open);
  await screen.addButton.click();
  const several = `${tenant.member.email}, ${tenant.admin.email}`;
  await screen.email.fill(several);
  await screen.confirm.click();
  await expectFieldError(screen.email, /These are several addresses\. Enter one/);
  await expect(screen.email).toHaveValue(several);
  await screen.email.fill(`\u202A"Newcomer, Noah" <${tenant.member.email.toUpperCase()}>\u202C;`);
  await screen.confirm.click();
  await expect(notice(screen.page, `${tenant.member.name} was added as a Member.`)).toBeVisible();
});

test('an SSH key is taken as a terminal folds it, and a private one is forgotten', async ({ as, guard, tenant }) => {
  guard.allowStatus(422);
  const keys = await SshKeysScreen.open(await as(tenant.member));
  await keys.addKey('-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA', 'Laptop');
  await expectFieldError(keys.publicKey, /This is a private key/);
  await expect(keys.publicKey).toHaveValue('');
  await keys.addKey('-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----', '');
  await expectFieldError(keys.publicKey, /ssh-keygen -i -m PKCS8 -f FILE/);
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    bytes,
  ]);
  const line = `ssh-ed25519 ${blob.toString('base64')} ${'x'.repeat(120)}`;
  await keys.addKey((line.match(/.{1,72}/g) ?? []).join('\n'), '');
  await expect(keys.keys).toHaveCount(1);
  await expect(keys.keys).toContainText('x'.repeat(100));
});
