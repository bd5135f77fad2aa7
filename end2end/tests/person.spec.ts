import type { Locator, Page } from '@playwright/test';

import { MembersScreen } from '../fixtures/organization.ts';
import {
  awake,
  CollaboratorsScreen,
  expectFieldError,
  notice,
  profileForms,
  signIn,
  visit,
} from '../fixtures/pages.ts';
import { makeKey, sign, SshKeysScreen } from '../fixtures/ssh.ts';
import { PASSWORD } from '../fixtures/tenant.ts';
import { expect, test } from '../fixtures/test.ts';

const NEW = 'another good password';

test.describe('the name', () => {
  test('N3: a person gives themselves another name, new everywhere; what is none is refused beside its field', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422);
    await tenant.add(tenant.open, tenant.member);
    const page = await as(tenant.member);
    await visit(page, '/settings/profile');
    const { you } = profileForms(page);
    await expect(you.getByLabel('Name')).toHaveValue(tenant.member.name);
    await expect(you).toContainText(tenant.member.email);
    for (const name of ['', '   ', 'n'.repeat(101)]) {
      await you.getByLabel('Name').fill(name);
      await you.getByRole('button', { name: 'Save' }).click();
      await expectFieldError(you.getByLabel('Name'), /Enter a name of 1 to 100 characters/);
      await expect(you.getByLabel('Name')).toHaveValue(name);
    }
    await expect(page.getByRole('button', { name: `Account: ${tenant.member.name}` })).toBeVisible();

    await you.getByLabel('Name').fill('  Noah Renamed ');
    await you.getByRole('button', { name: 'Save' }).click();
    await expect(notice(page, 'Your changes were saved.')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Account: Noah Renamed' })).toBeVisible();

    const admin = await as(tenant.admin);
    await expect((await MembersScreen.open(admin, tenant.organization)).row({ name: 'Noah Renamed' })).toBeVisible();
    await expect((await CollaboratorsScreen.open(admin, tenant.open)).row({ name: 'Noah Renamed' })).toBeVisible();
  });
});

test.describe('sessions', () => {
  const rows = (page: Page): Locator => page.getByRole('table', { name: 'Sessions' }).locator('tbody').getByRole('row');

  test('A1: a person sees where they are signed in, and signs out one of them', async ({ as, browse, tenant }) => {
    const [here, there] = [await browse(), await as(tenant.member)];
    // By the form, which notes what the browser calls itself.
    await signIn(here, tenant.member);
    // One of somebody else's.
    await as(tenant.manager);
    await visit(there, '/settings/profile');
    await visit(here, '/settings/sessions');
    await expect(rows(here)).toHaveCount(2);
    await expect(rows(here).first()).toContainText('This device');
    await expect(rows(here).first()).toContainText(/Chrome on \w+/);
    await expect(rows(here).nth(1)).not.toContainText('This device');
    await expect(rows(here).first().getByRole('time').first()).toHaveAttribute(
      'datetime',
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    );
    await rows(here)
      .nth(1)
      .getByRole('button', { name: /^Sign out Chrome on \w+, / })
      .click();
    await expect(notice(here, 'The session was signed out.')).toBeVisible();
    await expect(rows(here)).toHaveCount(1);
    await expect(here.getByRole('button', { name: 'Sign out all others' })).toBeHidden();

    await visit(there, '/settings/profile');
    await expect(there).toHaveURL(/\/sign-in/);
    await visit(here, '/settings/profile');
    await expect(here.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();
  });

  test('a person signs out everywhere else', async ({ as, tenant }) => {
    const [here, ...others] = [await as(tenant.member), await as(tenant.member), await as(tenant.member)];
    for (const page of [here, ...others]) {
      await visit(page, '/settings/sessions');
    }
    await expect(rows(here)).toHaveCount(3);
    await here.getByRole('button', { name: 'Sign out all others' }).click();
    await expect(notice(here, 'You were signed out everywhere else.')).toBeVisible();
    await expect(rows(here)).toHaveCount(1);
    for (const other of others) {
      await visit(other, '/');
      await expect(other).toHaveURL(/\/sign-in/);
    }
  });

  test('E5: a screen that is open in a session that was ended asks to sign in again @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(401);
    const [here, there] = [await as(tenant.member), await as(tenant.member)];
    await MembersScreen.open(there, tenant.organization);
    await visit(here, '/settings/sessions');
    await here.getByRole('button', { name: 'Sign out all others' }).click();
    await expect(notice(here, 'signed out everywhere else')).toBeVisible();
    await expect(there).toHaveURL(/\/sign-in\?next=.*members/, { timeout: 2_000 });
  });

  test('signing out of this one leads to the sign-in page @scripts', async ({ as, tenant }) => {
    const page = await as(tenant.member);
    await visit(page, '/settings/sessions');
    await rows(page).first().getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/sign-in/);
  });
});

test.describe('SSH keys', () => {
  test('E4: a key is added, shown by its fingerprint, and removed', async ({ as, tenant }) => {
    const key = await makeKey('noah@laptop');
    const screen = await SshKeysScreen.open(await as(tenant.member));
    await expect(screen.page.getByRole('heading', { name: 'No SSH keys yet' })).toBeVisible();
    await screen.addKey(key.line, 'My laptop');
    await expect(notice(screen.page, 'The SSH key My laptop was added.')).toBeVisible();
    await expect(screen.keys).toHaveCount(1);
    await expect(screen.keys.first()).toContainText('My laptop');
    expect(key.fingerprint).toMatch(/^SHA256:/);
    await expect(screen.keys.first()).toContainText(`ssh-ed25519 ${key.fingerprint}`);
    await expect(screen.publicKey).toHaveValue('');
    await expect(screen.name).toHaveValue('');

    await screen.page.getByRole('button', { name: 'Remove My laptop' }).click();
    await expect(
      notice(screen.page, 'The SSH key My laptop was removed. It no longer logs in to any cluster.'),
    ).toBeVisible();
    await expect(screen.page.getByRole('heading', { name: 'No SSH keys yet' })).toBeVisible();
  });

  test('E4: left without a name, a key is called by its comment; every good kind is taken @scripts', async ({
    as,
    tenant,
  }) => {
    const screen = await SshKeysScreen.open(await as(tenant.member));
    for (const [comment, ...kind] of [
      ['noah@ecdsa', '-t', 'ecdsa', '-b', '384'],
      ['noah@rsa', '-t', 'rsa', '-b', '2048'],
    ] as const) {
      const key = await makeKey(comment, ...kind);
      await screen.addKey(key.line);
      await expect(notice(screen.page, `The SSH key ${comment} was added.`)).toBeVisible();
      await expect(screen.keys.first()).toContainText(key.fingerprint);
    }
    await expect(screen.keys).toHaveCount(2);
  });

  test('E4 N3: a key that one has already is refused beside the field @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(409);
    const key = await makeKey('noah@laptop');
    const mine = await SshKeysScreen.open(await as(tenant.member));
    await mine.addKey(key.line);
    await expect(mine.keys).toHaveCount(1);
    await mine.addKey(key.line, 'Another name');
    await expectFieldError(mine.publicKey, /This key is in use already\. Every account needs a key of its own\./);
    await expect(mine.publicKey).toHaveValue(new RegExp(`^${key.line.slice(0, 40).replaceAll('+', '\\+')}`));
    await expect(mine.name).toHaveValue('Another name');
    await expect(mine.keys).toHaveCount(1);
  });

  test('J10: whoever signs the text has the key that somebody else registered', async ({ as, guard, tenant }) => {
    guard.allowStatus(409);
    guard.allowStatus(422);
    const key = await makeKey('noah@laptop');
    const theirs = await SshKeysScreen.open(await as(tenant.manager));
    await theirs.addKey(key.line);
    await expect(theirs.keys).toHaveCount(1);
    const mine = await SshKeysScreen.open(await as(tenant.member));
    await expect(mine.signature).toBeHidden();
    await mine.addKey(key.line, 'My laptop');
    await expectFieldError(
      mine.signature,
      /Somebody else has registered this key\. If it’s yours, sign the text below/,
    );
    await expect(mine.publicKey).toHaveValue(new RegExp(`^${key.line.slice(0, 40).replaceAll('+', '\\+')}`));
    const [command, others] = [await mine.command.inputValue(), await theirs.command.inputValue()];
    await mine.signature.fill(await sign(key, others));
    await mine.add.click();
    await expectFieldError(mine.signature, /This isn’t a signature of the text below by this key/);
    await mine.signature.fill(await sign(key, command));
    await mine.add.click();
    await expect(notice(mine.page, 'The SSH key My laptop was added.')).toBeVisible();
    await expect(mine.keys.first()).toContainText('Proved by signature');
    await visit(theirs.page, '/settings/ssh-keys');
    await expect(theirs.page.getByRole('heading', { name: 'No SSH keys yet' })).toBeVisible();
  });

  test('E4: a private key is refused with a warning, and is nowhere any more', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const key = await makeKey('noah@laptop');
    const screen = await SshKeysScreen.open(await as(tenant.member));
    await screen.addKey(key.secret, 'My laptop');
    await expectFieldError(screen.publicKey, /This is a private key\. Never give it to anyone/);
    await expect(screen.publicKey).toHaveValue('');
    await expect(screen.name).toHaveValue('My laptop');
    const secret = key.secret.split('\n')[2] ?? '';
    expect(await screen.page.content()).not.toContain(secret);
    await screen.addKey(key.line, 'My laptop');
    await expect(screen.keys).toHaveCount(1);
  });

  test('E4 N3: what is no key, or a weak one, is refused and kept', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const weak = await makeKey('noah@old', '-t', 'rsa', '-b', '1024');
    const screen = await SshKeysScreen.open(await as(tenant.member));
    for (const [typed, error] of [
      ['', /This isn’t an SSH public key/],
      ['not a key', /This isn’t an SSH public key/],
      ['ssh-ed25519 AAAA', /This isn’t an SSH public key/],
      ['</textarea><b>x', /This isn’t an SSH public key/],
      [weak.line, /This kind of key is too weak\. Use Ed25519, ECDSA, or RSA with at least 2048 bits\./],
    ] as const) {
      await screen.addKey(typed);
      await expectFieldError(screen.publicKey, error);
      await expect(screen.publicKey).toHaveValue(typed);
    }
    const good = await makeKey('noah@laptop');
    await screen.addKey(good.line, 'n'.repeat(101));
    await expectFieldError(screen.name, /Enter a name of 1 to 100 characters/);
    await expect(screen.keys).toHaveCount(0);
  });
});

test.describe('deleting the account', () => {
  test('W1: an Owner cannot, and is told what to do first @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(409);
    const page = await as(tenant.owner);
    await visit(page, '/settings/profile');
    const { deletion } = profileForms(page);
    await deletion.getByLabel('Your password').fill(PASSWORD);
    await deletion.getByRole('button', { name: 'Delete account' }).click();
    await expect(deletion.getByRole('alert')).toHaveText(
      'You own an organization. Transfer it to another Admin, or delete it, before you delete your account.',
    );
    await visit(page, '/settings/profile');
    await expect(page.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();
  });

  test('N3: it needs the password @scripts', async ({ as, guard, tenant }) => {
    guard.allowStatus(422);
    const page = await as(tenant.member);
    await visit(page, '/settings/profile');
    const { deletion, password } = profileForms(page);
    await deletion.getByLabel('Your password').fill('not the password');
    await deletion.getByRole('button', { name: 'Delete account' }).click();
    await expectFieldError(deletion.getByLabel('Your password'), /This isn’t your current password\./);
    await expect(deletion.getByLabel('Your password')).toHaveValue('');
    // The other form that asks for it is not to blame.
    await expect(password.getByLabel('Current password')).not.toHaveAttribute('aria-invalid', 'true');
    expect(await tenant.memberRole(tenant.member.email)).toBe('member');
  });

  test('K5: it ends every access and session, what was made stays, and the address is free again @scripts', async ({
    as,
    browse,
    tenant,
  }) => {
    const { manager } = tenant;
    await tenant.add(tenant.open, tenant.member);
    await tenant.database.query('UPDATE collaborators SET added_by = $1 WHERE user_id = $2', [
      manager.id,
      tenant.member.id,
    ]);
    const [page, elsewhere] = [await as(manager), await as(manager)];
    await visit(elsewhere, '/settings/profile');
    await visit(page, '/settings/profile');
    const { deletion } = profileForms(page);
    await deletion.getByLabel('Your password').fill(PASSWORD);
    await deletion.getByRole('button', { name: 'Delete account' }).click();
    await expect(page).toHaveURL(/\/sign-in/);
    await expect(page.getByRole('status').filter({ hasText: 'Your account was deleted.' })).toBeVisible();
    await awake(page);
    await page.getByLabel('Email').fill(manager.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('Email or password is wrong.');
    await visit(elsewhere, '/');
    await expect(elsewhere).toHaveURL(/\/sign-in/);

    const admin = await as(tenant.admin);
    const members = await MembersScreen.open(admin, tenant.organization);
    await members.expectPeople(tenant.admin, tenant.member, tenant.owner);
    const collaborators = await CollaboratorsScreen.open(admin, tenant.open);
    await collaborators.expectPeople(tenant.admin, tenant.member, tenant.owner);
    await expect(collaborators.row(tenant.member)).toContainText('Added by Deleted user');

    const anew = await browse();
    await visit(anew, '/sign-up');
    await anew.getByLabel('Name').fill('Maya Again');
    await anew.getByLabel('Email').fill(manager.email);
    await anew.getByLabel('Password').fill(NEW);
    await anew.getByRole('button', { name: 'Sign up' }).click();
    await expect(anew.getByRole('button', { name: 'Account: Maya Again' })).toBeVisible();
    await awake(anew);
    // Nothing of the old one came back.
    await anew.getByRole('button', { name: /Switch organization/ }).click();
    await expect(anew.getByRole('menuitem')).toHaveText(['Maya Again’s organization']);
  });
});

test.describe('the password', () => {
  test('a forgotten one, where no mail is sent: the page says whom to ask @scripts', async ({ browse }) => {
    const page = await browse();
    await visit(page, '/sign-in');
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await expect(page.getByRole('heading', { name: 'Forgot your password?', level: 1 })).toBeVisible();
    await expect(page.getByRole('main')).toContainText(
      'This console sends no mail. Ask whoever runs it to set a new password for you.',
    );
    await expect(page.getByRole('textbox')).toHaveCount(0);
    await page.getByRole('link', { name: 'Back to signing in' }).click();
    await expect(page.getByRole('heading', { name: 'Sign in', level: 1 })).toBeVisible();
  });

  test('a link to a new password that was never made leads nowhere @scripts', async ({ browse, guard }) => {
    guard.allowStatus(404, 410);
    const page = await browse();
    for (const path of [`/reset-password/${'A'.repeat(43)}`, '/reset-password/x', '/reset-password/%00']) {
      expect(await visit(page, path), path).toBeGreaterThanOrEqual(400);
      await expect(page.getByRole('heading', { name: 'This link doesn’t work' })).toBeVisible();
    }
  });

  test('N3: too many wrong ones: the form says how long to wait, and the right one does not help @scripts', async ({
    as,
    guard,
    tenant,
  }) => {
    guard.allowStatus(422, 429);
    test.slow();
    const page = await as(tenant.member);
    const { password } = profileForms(page);
    const [current, next] = [password.getByLabel('Current password'), password.getByLabel('New password')];
    const isLimited = password
      .getByRole('alert')
      .filter({ hasText: /^Too many attempts\. Try again in \d+ minutes?\.$/ });
    await visit(page, '/settings/profile');
    for (let attempt = 0; attempt < 25 && !(await isLimited.isVisible()); attempt++) {
      await current.fill('not the password');
      await next.fill(NEW);
      const answered = page.waitForResponse((response) => response.url().endsWith('/api/change_password'));
      await password.getByRole('button', { name: 'Save' }).click();
      await answered;
      await expect(password.getByRole('alert').or(password.locator('[aria-invalid]')).first()).toBeAttached();
    }
    await expect(isLimited).toBeVisible();
    await current.fill(PASSWORD);
    await next.fill(NEW);
    // What was said before is still there: only the answer shows that the form was sent.
    const answered = page.waitForResponse((response) => response.url().endsWith('/api/change_password'));
    await password.getByRole('button', { name: 'Save' }).click();
    await answered;
    await expect(isLimited).toBeVisible();
    await visit(page, '/settings/profile');
    await expect(page.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();
  });
});

test('O2: who has left everything still signs in, and is told what to do @scripts', async ({
  browse,
  guard,
  tenant,
}) => {
  guard.allowStatus(404);
  const nobody = await tenant.person('Ned Nowhere');
  const page = await browse();
  await signIn(page, nobody);
  await expect(page.getByRole('heading', { name: 'No projects yet' })).toBeVisible();
  await visit(page, '/settings/organization/~current/members');
  await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('main')).not.toContainText('Something went wrong');
});
